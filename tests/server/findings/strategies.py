"""Findings of one image, made up."""

from hypothesis import strategies as st

from deadlight.model.vulnerability import Applicability, Severity
from deadlight.server.findings.risk import Finding

findings = st.builds(
    Finding,
    image_id=st.just(1),
    package_id=st.integers(1, 5),
    vulnerability_id=st.integers(1, 5),
    severity=st.sampled_from(Severity),
    malicious=st.booleans(),
    fixable=st.booleans(),
    applicability=st.sampled_from(Applicability),
    validated=st.booleans(),
)
