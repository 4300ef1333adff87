"""A short look at every fuzz target; `make fuzz` takes a long one."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.mutation import INTERESTING, Edit, Kind, mutate
from tests.fuzz.targets import TARGETS

EXAMPLES = 8
each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
contents = st.sampled_from(INTERESTING) | st.binary(min_size=1, max_size=8)
edits = st.builds(Edit, st.sampled_from(Kind), st.floats(0, 1), contents, st.integers(1, 128))


@each_target
def test_valid_input_is_read(target):
    for seed in target.seeds:
        target.run(seed)


@each_target
@settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_changed_input_is_read_or_refused(target, data):
    changes = data.draw(st.lists(edits, max_size=6))
    content = mutate(data.draw(st.sampled_from(target.seeds)), changes, target.max_bytes)
    begun = time.thread_time()
    target.run(content)
    assert time.thread_time() - begun < target.seconds
