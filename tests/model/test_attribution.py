"""Of many candidates one is chosen, by the documented order, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.attribution import Attribution, Confidence, Party, choose

CLAIMS = st.builds(Attribution, st.sampled_from("abcd"), st.sampled_from("123"), st.sampled_from(Confidence))
CLAIMS |= st.builds(Attribution, st.just("x"), st.just("4"), st.sampled_from(Confidence), st.sampled_from(Party))


def test_nobody_is_chosen_of_nobody() -> None:
    assert choose([]) is None


@given(st.lists(CLAIMS, min_size=1, max_size=8))
def test_the_chosen_and_the_others_are_exactly_the_candidates(candidates: list[Attribution]) -> None:
    chosen = choose(iter(candidates))
    assert chosen is not None
    kept = [(chosen.value, chosen.source), *((item.value, item.source) for item in chosen.others)]
    assert sorted(kept) == sorted((item.value, item.source) for item in candidates)
    assert all(item.others == () for item in chosen.others)


@given(st.lists(CLAIMS, min_size=1, max_size=8))
def test_nothing_stronger_is_passed_over_and_equals_keep_their_order(candidates: list[Attribution]) -> None:
    chosen = choose(candidates)
    assert chosen is not None
    if any(item.party is not Party.MACHINE for item in candidates):
        assert chosen.party is not Party.MACHINE
    rivals = [item for item in candidates if (item.party is Party.MACHINE) is (chosen.party is Party.MACHINE)]
    order = list(Confidence)
    assert order.index(chosen.confidence) == min(order.index(item.confidence) for item in rivals)
    equals = [item for item in rivals if (item.confidence, item.party) == (chosen.confidence, chosen.party)]
    assert (equals[0].value, equals[0].source) == (chosen.value, chosen.source)


def test_a_machine_is_named_only_where_nothing_else_is_known() -> None:
    machine = Attribution("system:serviceaccount:argocd:sync", "admission", Confidence.PROVEN, Party.MACHINE)
    application = Attribution("Argo CD application shop", "annotation", Confidence.STATED, Party.APPLICATION)
    chosen = choose([machine, application])
    assert chosen is not None
    assert (chosen.value, chosen.others) == (application.value, (machine,))
    assert choose([machine]) == machine
