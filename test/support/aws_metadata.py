"""Emulators of the places where AWS lends keys to what runs there."""

from __future__ import annotations

import hmac
import secrets
import time

from .aws_account import AwsAccount, Keys
from .http_service import HttpService, Request, Response

ROLES = "/latest/meta-data/iam/security-credentials/"
TOKEN_SECONDS = range(1, 21600 + 1)


class _Lender(HttpService):
    """`seconds` is how long the keys last, `given` are all that were given."""

    def __init__(self, account: AwsAccount, *, seconds: float = 3600) -> None:
        super().__init__()
        self.account = account
        self.seconds = seconds
        self.given: list[Keys] = []

    def _lend(self) -> dict[str, str]:
        keys = self.account.session(self.seconds)
        self.given.append(keys)
        return keys.as_json()


class ContainerCredentials(_Lender):
    """The endpoint of a container, as ECS and EKS have it: `url`, for who has `token`."""

    def __init__(self, account: AwsAccount, *, seconds: float = 3600) -> None:
        super().__init__(account, seconds=seconds)
        self.path = f"/v1/credentials/{secrets.token_hex(8)}"
        self.url = self.origin + self.path
        self.token = secrets.token_urlsafe(40)

    def respond(self, request: Request) -> Response:
        if request.method != "GET" or request.path != self.path:
            return _refusal(404, "NotFoundException", "no such credentials")
        if not hmac.compare_digest(request.headers.get("Authorization", ""), self.token):
            return _refusal(401, "AccessDeniedException", "unauthorized; the token is wrong")
        return Response.of_json({"RoleArn": "arn:aws:iam::123456789012:role/task", **self._lend()})


class InstanceMetadata(_Lender):
    """The instance metadata service, version 2 only; `role` None is an instance without one."""

    def __init__(
        self, account: AwsAccount, *, role: str | None = "dns-writer", seconds: float = 3600
    ) -> None:
        super().__init__(account, seconds=seconds)
        self.role = role
        self.code = "Success"
        self._tokens: dict[str, float] = {}

    def respond(self, request: Request) -> Response:
        if request.path == "/latest/api/token":
            return self._give_token(request)
        token = request.headers.get("X-aws-ec2-metadata-token", "")
        if self._tokens.get(token, 0) < time.monotonic():
            return Response(401, b"<html>Unauthorized</html>", "text/html")
        if request.method != "GET" or not request.path.startswith(ROLES) or self.role is None:
            return Response(404, b"<html>Not Found</html>", "text/html")
        asked = request.path.removeprefix(ROLES)
        if asked == "":
            return Response(200, self.role.encode())
        if asked != self.role:
            return Response(404, b"<html>Not Found</html>", "text/html")
        if self.code != "Success":
            return Response.of_json(
                {"Code": self.code, "Message": "EC2 cannot assume the role", "LastUpdated": ""}
            )
        return Response.of_json({"Code": "Success", "Type": "AWS-HMAC", **self._lend()})

    def _give_token(self, request: Request) -> Response:
        seconds = request.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if request.method != "PUT":
            return Response(405, b"<html>Method Not Allowed</html>", "text/html")
        if "X-Forwarded-For" in request.headers:
            return Response(403, b"<html>Forbidden</html>", "text/html")
        if not seconds.isdigit() or int(seconds) not in TOKEN_SECONDS:
            return Response(400, b"<html>Bad Request</html>", "text/html")
        token = secrets.token_urlsafe(40) + "=="
        self._tokens[token] = time.monotonic() + int(seconds)
        return Response(200, token.encode())


def _refusal(status: int, code: str, message: str) -> Response:
    return Response.of_json({"code": code, "message": message}, status)
