"""A double of Amazon ECR and of AWS's Security Token Service, for they cannot run here. It checks every signature.

Built from AWS's public API references (Amazon ECR 2015-09-21: GetAuthorizationToken, DescribeImages,
DescribeRepositories, DescribePullThroughCacheRules; STS 2011-06-15: AssumeRoleWithWebIdentity), and its documentation
"Create a signed AWS API request" and "Private registry authentication". It answers what our client asks, and nothing
else.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from aiohttp import web
from tests.support.accounts import Account
from tests.support.registries import TEST_HEADER, Handler
from tests.support.vendors import Pushes

from deadlight.demo.registry import DemoRegistry

ACCOUNT, REGION = "123456789012", "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
API, STS = f"api.ecr.{REGION}.amazonaws.com", f"sts.{REGION}.amazonaws.com"
RIGHTS = frozenset({"GetAuthorizationToken", "DescribeImages", "DescribeRepositories", "DescribePullThroughCacheRules"})
READER = Account("AKIDREADER", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYREADERKEY", RIGHTS)
STRANGER = Account("AKIDSTRANGER", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYNOTHING")
ROLE, POD_TOKEN = f"arn:aws:iam::{ACCOUNT}:role/deadlight", "pod-token"

_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), SignedHeaders=(?P<names>[^,]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass
class Settings:
    """A repository's settings."""

    mutability: str = "MUTABLE"
    exclusions: list[str] = field(default_factory=list)


class RefusedError(Exception):
    """An error that AWS names."""


class Amazon:
    """The double. Everything may be changed at any time."""

    hosts = (HOST, API, STS)

    def __init__(self) -> None:
        self.keys = {account.name: account for account in (READER, STRANGER)}
        self.session_tokens: dict[str, str] = {}
        """Of keys that were lent."""
        self.settings: dict[str, Settings] = {}
        self.rules = [{"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}]
        self.pushes = Pushes()
        self.lifetime = timedelta(hours=12)
        self.asked: list[str] = []
        """Actions, in order."""
        self._passwords: set[str] = set()
        self._numbers = count(1)

    def application(self) -> web.Application:
        """The registry, its API and the token service."""
        application = DemoRegistry().application()
        application.middlewares.extend((self._let_in, self.pushes.keep))
        application.add_routes([web.post("/", self._answer)])
        return application

    def protect(self, tag: str) -> None:
        """Have a tag stay where it is."""
        self.settings["shop/web"] = Settings("MUTABLE_WITH_EXCLUSION", [tag])

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The registry takes the token's password, and the user name AWS."""
        if not request.path.startswith("/v2/") or TEST_HEADER in request.headers:
            return await handler(request)
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        if request.host == HOST and given in self._passwords:
            return await handler(request)
        headers = {"WWW-Authenticate": f'Basic realm="https://{HOST}/",service="ecr.amazonaws.com"'}
        return web.json_response({"errors": [{"code": "UNAUTHORIZED"}]}, status=401, headers=headers)

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.host == STS:
            return await self._assume(request)
        action = request.headers.get("X-Amz-Target", "").removeprefix("AmazonEC2ContainerRegistry_V20150921.")
        self.asked.append(action)
        try:
            self._check_right(self._check_signature(request, body), action)
            return web.json_response(self._act(action, await request.json()))
        except RefusedError as error:
            return web.json_response({"__type": str(error), "message": "refused"}, status=400)

    def _check_right(self, account: Account, action: str) -> None:
        if action not in account.rights:
            raise RefusedError("AccessDeniedException")

    def _check_signature(self, request: web.Request, body: bytes) -> Account:
        found = _CREDENTIAL.fullmatch(request.headers.get("Authorization", ""))
        if found is None or request.host != API:
            raise RefusedError("MissingAuthenticationTokenException")
        account = self.keys.get(found["key"])
        if account is None or self.session_tokens.get(found["key"], "") != request.headers.get(
            "X-Amz-Security-Token", ""
        ):
            raise RefusedError("UnrecognizedClientException")
        moment = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - moment) > timedelta(minutes=15):
            raise RefusedError("InvalidSignatureException")
        if not {"host", "x-amz-date"} <= set(found["names"].split(";")):
            raise RefusedError("InvalidSignatureException")
        expected = expected_signature(request, body, found["scope"], found["names"], account.password)
        if found["scope"] != f"{moment:%Y%m%d}/{REGION}/ecr/aws4_request" or expected != found["signature"]:
            raise RefusedError("InvalidSignatureException")
        return account

    # --- the API --------------------------------------------------------------------------------------------

    def _act(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        if action == "GetAuthorizationToken":
            token = b64encode(f"AWS:password-{next(self._numbers)}".encode()).decode()
            self._passwords.add(token)
            expires_at = (datetime.now(UTC) + self.lifetime).timestamp()
            return {"authorizationData": [{"authorizationToken": token, "expiresAt": expires_at}]}
        if asked.get("registryId") != ACCOUNT:
            raise RefusedError("RepositoryNotFoundException")
        if action == "DescribeImages":
            return {"imageDetails": [self._image(asked["repositoryName"], asked["imageIds"][0]["imageDigest"])]}
        if action == "DescribeRepositories":
            return {"repositories": [self._repository(name) for name in asked.get("repositoryNames", [])]}
        return {"pullThroughCacheRules": self.rules}

    def _image(self, name: str, digest: str) -> dict[str, Any]:
        pushed_at = self.pushes.images.get((name, digest))
        if pushed_at is None:
            raise RefusedError("ImageNotFoundException")
        tags = self.pushes.tags_of(name, digest)
        return {"imageDigest": digest, "imageTags": tags, "imagePushedAt": pushed_at.timestamp()}

    def _repository(self, name: str) -> dict[str, Any]:
        settings = self.settings.get(name, Settings())
        filters = [{"filterType": "WILDCARD", "filter": pattern} for pattern in settings.exclusions]
        described = {"repositoryName": name, "imageTagMutability": settings.mutability}
        return described | ({"imageTagMutabilityExclusionFilters": filters} if filters else {})

    async def _assume(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.asked.append(str(form["Action"]))
        wanted = ("AssumeRoleWithWebIdentity", "2011-06-15", ROLE, POD_TOKEN)
        if tuple(form[name] for name in ("Action", "Version", "RoleArn", "WebIdentityToken")) != wanted:
            return web.Response(text="<ErrorResponse><Code>AccessDenied</Code></ErrorResponse>", status=403)
        key = f"ASIALENT{next(self._numbers)}"
        self.keys[key] = Account(key, "lent-secret", RIGHTS)
        self.session_tokens[key] = "lent-session-token=="
        ends_at = datetime.now(UTC) + timedelta(hours=1)
        return web.Response(
            content_type="text/xml",
            text=f"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
            f"<SessionToken>{self.session_tokens[key]}</SessionToken><SecretAccessKey>lent-secret</SecretAccessKey>"
            f"<Expiration>{ends_at:%Y-%m-%dT%H:%M:%SZ}</Expiration><AccessKeyId>{key}</AccessKeyId></Credentials>"
            f"</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        )


def expected_signature(request: web.Request, body: bytes, scope: str, names: str, secret: str) -> str:
    """The signature of a request as AWS computes it, from the request as it arrived."""
    headers = [f"{name}:{request.headers[name].strip()}" for name in names.split(";")]
    canonical = [request.method, request.rel_url.raw_path, request.rel_url.raw_query_string, *headers, "", names]
    hashed = hashlib.sha256("\n".join([*canonical, hashlib.sha256(body).hexdigest()]).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{request.headers['X-Amz-Date']}\n{scope}\n{hashed}"
    day, region, service, end = scope.split("/")
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, end, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
