"""What CycloneDX's own schema says of a document."""


def assert_cyclonedx(text: str) -> None:
    """Fail where a document in JSON is not what the schema of CycloneDX 1.6 wants."""
    # Importing it makes parsers for seconds, in every worker that collects a file which does.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
