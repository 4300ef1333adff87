"""What an ECR host name tells: account, region and where the APIs are (AWS's documentation, "ECR endpoints")."""

import re
from dataclasses import dataclass

from yarl import URL

from deadlight.registry.errors import InvalidEndpointError

PUBLIC_HOST = "public.ecr.aws"

_PRIVATE = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9])\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)"
)


@dataclass(frozen=True, slots=True)
class EcrHost:
    """A private registry's name, taken apart."""

    account: str
    region: str
    fips: bool

    @property
    def api(self) -> URL:
        """Where ECR's own API is."""
        service = f"ecr-fips.{self.region}" if self.fips else f"api.ecr.{self.region}"
        return URL(f"https://{service}.{self._domain}")

    @property
    def sts(self) -> URL:
        """Where the region's Security Token Service is."""
        return URL(f"https://sts.{self.region}.{self._domain}")

    def console_link(self, repository: str, digest: str) -> str:
        """The image's page in the AWS console."""
        domain = "console.amazonaws.cn" if self._is_china else f"{self.region}.console.aws.amazon.com"
        path = f"/ecr/repositories/private/{self.account}/{repository}/_/image/{digest}/details"
        return f"https://{domain}{path}?region={self.region}"

    @property
    def _is_china(self) -> bool:
        return self.region.startswith("cn-")

    @property
    def _domain(self) -> str:
        return "amazonaws.com.cn" if self._is_china else "amazonaws.com"


def parse_host(host: str) -> EcrHost:
    """Take a private registry's host apart; raises InvalidEndpointError for another name."""
    found = _PRIVATE.fullmatch(host.lower())
    if found is None:
        raise InvalidEndpointError(
            f"registry {host}: not an Amazon ECR host (expected <account>.dkr.ecr.<region>.amazonaws.com)"
        )
    return EcrHost(found["account"], found["region"], bool(found["fips"]))
