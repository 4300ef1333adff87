import pytest

from deadlight.ecosystems import installed_stream, is_modular, named_streams


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1:14.17.5-1.module+el8.4.0+12247+e2879e58", True),
        ("3.15-3.module_el8.6.0+3137+d33c3efb", True),
        ("5.1.8-9.el9", False),
        ("1.0-1.modules.el8", False),
    ],
)
def test_a_version_says_whether_it_was_built_for_a_module(version, expected):
    assert is_modular(version) is expected


@pytest.mark.parametrize(
    ("title", "streams"),
    [
        ("Important: nodejs:14 security, bug fix, and enhancement update", ("nodejs:14",)),
        ("Red Hat Security Advisory: python39:3.9 security update", ("python39:3.9",)),
        ("Important: virt:rhel and virt-devel:rhel security update", ("virt:rhel", "virt-devel:rhel")),
        ("Moderate: httpd:2.4/mod_http2 security update", ("httpd:2.4",)),
        ("Important: 389-ds security update", ()),
        ("Fixes perl-Foo::Bar, see https://example.org", ()),
        ("", ()),
    ],
)
def test_the_title_of_a_notice_names_streams(title, streams):
    assert named_streams(title) == streams


@pytest.mark.parametrize(
    ("purl", "stream"),
    [
        ("pkg:rpm/almalinux/nodejs@14-1?arch=x86_64&rpmmod=nodejs:14:8040020210817133458:522a0ee4", "nodejs:14"),
        ("pkg:rpm/almalinux/nodejs@14-1?rpmmod=nodejs%3A14%3A80400%3A522a0ee4", "nodejs:14"),
        ("pkg:rpm/almalinux/bash@5-1?arch=x86_64", ""),
        ("", ""),
        ("rpmmod=", ""),
        ("pkg:rpm/a/%20@1?rpmmod=nodejs:14", ""),
    ],
)
def test_a_purl_says_from_which_stream_a_package_was_installed(purl, stream):
    assert installed_stream(purl) == stream
