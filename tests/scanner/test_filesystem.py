import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scanner.layer_builder import LayerBuilder

from deadlight.scanner.errors import ImageTooLargeError
from deadlight.scanner.facts import Entry, Listing
from deadlight.scanner.filesystem import FileSystem
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits
from deadlight.scanner.tar import Kind


def tree(*layers: LayerBuilder) -> FileSystem:
    files = FileSystem(DEFAULT_LIMITS)
    for index, layer in enumerate(layers):
        files.apply(index, layer.scan().listing)
    return files


def where(files: FileSystem, path: str, *, follow: bool = False) -> tuple[str, int] | None:
    """The real path of a file and the layer it comes from."""
    found = files.find_file(path, follow=follow)
    return (found[0], found[1].layer) if found else None


def test_the_topmost_layer_wins():
    files = tree(LayerBuilder().file("a").file("b"), LayerBuilder().file("a"))
    assert (where(files, "a"), where(files, "/b"), where(files, "c")) == (("/a", 1), ("/b", 0), None)


def test_a_whiteout_removes_a_file_or_a_whole_folder_of_lower_layers():
    files = tree(LayerBuilder().file("a/b").file("c/d/e").file("c/f"), LayerBuilder().whiteout("a/b").whiteout("c"))
    assert [where(files, path) for path in ("a/b", "c/d/e", "c/f")] == [None, None, None]


def test_a_whiteout_spares_what_its_own_layer_brings():
    files = tree(LayerBuilder().file("a/old"), LayerBuilder().file("a/new").whiteout("a"))
    assert (where(files, "a/old"), where(files, "a/new")) == (None, ("/a/new", 1))


def test_an_opaque_folder_hides_everything_below_it():
    files = tree(LayerBuilder().file("a/b/c").file("a/d"), LayerBuilder().file("a/e").opaque("a"))
    assert [where(files, path) for path in ("a/b/c", "a/d", "a/e")] == [None, None, ("/a/e", 1)]


def test_a_file_in_place_of_a_folder_hides_its_content():
    files = tree(LayerBuilder().file("a/b"), LayerBuilder().file("a"))
    assert (where(files, "a"), where(files, "a/b")) == (("/a", 1), None)


def test_on_a_merged_usr_paths_are_those_a_process_sees():
    files = tree(
        LayerBuilder().directory("usr/lib").symlink("lib", "usr/lib").file("usr/lib/libc.so"),
        LayerBuilder().file("lib/new.so"),
    )
    assert where(files, "/lib/libc.so") == ("/usr/lib/libc.so", 0)
    assert where(files, "/lib/new.so") == where(files, "/usr/lib/new.so") == ("/usr/lib/new.so", 1)


def test_a_whiteout_through_a_linked_folder_removes_the_real_file():
    files = tree(LayerBuilder().symlink("lib", "usr/lib").file("usr/lib/a"), LayerBuilder().whiteout("lib/a"))
    assert where(files, "usr/lib/a") is None


def test_a_folder_in_place_of_a_link_ends_the_link():
    files = tree(
        LayerBuilder().symlink("lib", "usr/lib").file("usr/lib/a"), LayerBuilder().directory("lib").file("lib/b")
    )
    assert (where(files, "lib/a"), where(files, "lib/b"), where(files, "usr/lib/a")) == (
        None,
        ("/lib/b", 1),
        ("/usr/lib/a", 0),
    )


def test_a_link_in_place_of_a_folder_hides_its_content():
    files = tree(
        LayerBuilder().file("lib/a"), LayerBuilder().symlink("lib", "usr/lib"), LayerBuilder().file("usr/lib/b")
    )
    assert (where(files, "lib/a"), where(files, "lib/b")) == (None, ("/usr/lib/b", 2))


@pytest.mark.parametrize("target", ["real", "/d/real", "../d/./real", "../../../d/real"])
def test_a_link_to_a_file_is_followed_on_request_only(target):
    files = tree(LayerBuilder().file("d/real").symlink("d/link", target))
    assert where(files, "d/link") is None
    assert where(files, "d/link", follow=True) == ("/d/real", 0)


def test_links_that_loop_lead_nowhere():
    layer = LayerBuilder().symlink("a", "b").symlink("b", "a").symlink("c", "c/c").file("a/file").file("c/file")
    files = tree(layer)
    assert where(files, "a/file") is None
    assert where(files, "a", follow=True) is None


def test_a_folder_seen_through_a_link_can_still_be_replaced():
    files = tree(
        LayerBuilder().symlink("lib", "usr/lib").file("usr/lib/a"),
        LayerBuilder().file("lib/b").whiteout("usr/lib"),
        LayerBuilder().file("lib/c"),
    )
    assert [where(files, f"usr/lib/{name}") for name in "abc"] == [None, ("/usr/lib/b", 1), ("/usr/lib/c", 2)]


def test_hard_links_are_names_of_one_file():
    files = tree(
        LayerBuilder().file("bin/perl").hard_link("bin/perl5", "bin/perl"), LayerBuilder().hard_link("x", "bin/perl5")
    )
    names = [files.find_file(path) for path in ("x", "bin/perl5", "bin/perl")]
    assert len({name[1] for name in names if name}) == 1
    assert list(files.iter_link_groups()) == [("/bin/perl", "/bin/perl5", "/x")]


def test_a_name_that_was_replaced_is_no_longer_a_hard_link():
    files = tree(LayerBuilder().file("a").hard_link("b", "a").hard_link("c", "a"), LayerBuilder().file("b"))
    assert list(files.iter_link_groups()) == [("/a", "/c")]


def test_a_hard_link_to_nothing_is_a_file_of_its_own():
    assert where(tree(LayerBuilder().hard_link("a", "missing")), "a") == ("/a", 0)


def test_an_image_may_not_hold_more_nodes_than_allowed():
    layer = Listing(tuple(Entry(f"{n}/a/b", Kind.FILE, "") for n in range(5)))
    with pytest.raises(ImageTooLargeError, match="more than 10 files"):
        FileSystem(Limits(max_nodes=10)).apply(0, layer)


def test_chains_of_links_may_not_take_forever():
    chain = [Entry(f"link{n}", Kind.SYMLINK, "/".join(["a/.."] * 400 + [f"link{n + 1}"])) for n in range(39)]
    chain += [Entry("a", Kind.DIRECTORY, ""), Entry("link39", Kind.DIRECTORY, "")]
    files = [Entry(f"link0/d{n}/file", Kind.FILE, "") for n in range(50)]
    with pytest.raises(ImageTooLargeError, match="more than 100000 steps"):
        FileSystem(Limits(max_steps=100_000)).apply(0, Listing((*chain, *files)))


names = st.lists(st.sampled_from(["a", "b", "..", "."]), min_size=1, max_size=4).map("/".join)
entries = st.builds(Entry, names, st.sampled_from(Kind), names)
layers = st.builds(
    Listing,
    entries=st.lists(entries, max_size=8).map(tuple),
    whiteouts=st.lists(names, max_size=2).map(tuple),
    opaque=st.lists(names, max_size=1).map(tuple),
)


@given(st.lists(layers, max_size=4), st.lists(names, max_size=5))
def test_whatever_layers_say_real_paths_lead_to_the_same_file(built, asked):
    files = FileSystem(DEFAULT_LIMITS)
    for index, layer in enumerate(built):
        files.apply(index, layer)
    for path in asked:
        found = files.find_file(path, follow=True)
        assert found is None or files.find_file(found[0]) == found


def test_the_files_below_a_folder_are_listed_without_links_and_other_parts():
    files = tree(LayerBuilder().file("a/x").file("a/b/y").file("a/c/z").symlink("a/l", "b").symlink("s", "a"))
    assert files.find_folder("/s/b/..") == "/a"
    assert (files.find_folder("/"), files.find_folder("/a/x")) == ("", None)
    assert sorted(files.iter_files("/s", outside={"/a/c"})) == ["/a/b/y", "/a/x"]
    assert list(files.iter_files("/nowhere")) == []
