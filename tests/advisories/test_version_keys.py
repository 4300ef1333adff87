from deadlight.advisories.version_keys import FROM_THE_FIRST, VersionKeys


def test_keys_of_distinct_texts_are_computed_once() -> None:
    table = VersionKeys().of("Debian:11")
    assert table is not None

    assert table["1.0-1"] is table["1.0-1"]
    assert table["no version"] is None


def test_releases_of_one_distribution_share_their_keys() -> None:
    keys = VersionKeys()
    assert keys.of("Debian:11") is keys.of("Debian:12")
    assert keys.of("Debian:11") is not keys.of("Alpine:v3.19")
    assert keys.of("Hackage") is None


def test_from_the_first_is_below_every_version_of_every_order() -> None:
    keys = VersionKeys()
    for ecosystem, lowest in (("Debian", "0~~"), ("PyPI", "0.dev0"), ("Alpine", "0_alpha")):
        table = keys.of(ecosystem)
        assert table is not None
        first, key = table[FROM_THE_FIRST], table[lowest]
        assert first is not None
        assert key is not None
        assert first < key
