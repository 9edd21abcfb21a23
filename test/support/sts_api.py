"""Emulator of AssumeRole and AssumeRoleWithWebIdentity of AWS's Security Token Service."""

from __future__ import annotations

import re
import secrets
import urllib.parse

from .aws_account import XML_TYPE, AwsAccount, AwsError, Keys
from .faults import Fault
from .http_service import HttpService, Request, Response

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
ANSWER = """\
<{action}Response xmlns="{namespace}">
  <{action}Result>
    <AssumedRoleUser>
      <AssumedRoleId>AROA123EXAMPLE123:{name}</AssumedRoleId>
      <Arn>{arn}/{name}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{keys.id}</AccessKeyId>
      <SecretAccessKey>{keys.secret}</SecretAccessKey>
      <SessionToken>{keys.token}</SessionToken>
      <Expiration>{expires}</Expiration>
    </Credentials>
  </{action}Result>
  <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>
</{action}Response>
"""


class StsApi(HttpService):
    """Gives keys of `role_arn` to who has keys of the account; `seconds` is how long they last.

    It gives them to who has `web_token` as well, and takes no signature beside it.

    `given` are all that were given. More kinds of fault: "throttled".
    """

    def __init__(
        self,
        account: AwsAccount,
        *,
        role_arn: str = "arn:aws:iam::123456789012:role/dns/ingress+test",
        region: str = "us-east-1",
        seconds: float = 3600,
        web_token: str | None = None,
    ) -> None:
        super().__init__()
        self.account = account
        self.role_arn = role_arn
        self.region = region
        self.seconds = seconds
        self.web_token = web_token
        self.given: list[Keys] = []

    def respond(self, request: Request) -> Response:
        form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
        try:
            if form.get("Action") == "AssumeRoleWithWebIdentity":
                return self._assume_by_token(request, form)
            caller = self.account.authenticate(request, self.region, "sts", echo=True)
            return self._assume_role(request, form, caller.id, "AssumeRole")
        except AwsError as error:
            return error.as_response(NAMESPACE)

    def respond_with_fault(self, request: Request, fault: Fault) -> Response:
        if fault.kind == "throttled":
            return AwsError(400, "Throttling", "Rate exceeded").as_response(NAMESPACE)
        return super().respond_with_fault(request, fault)

    def _assume_by_token(self, request: Request, form: dict[str, str]) -> Response:
        if "Authorization" in request.headers:
            raise AwsError(400, "InvalidAction", "a signature is not expected here")
        if self.web_token is None or form.get("WebIdentityToken") != self.web_token:
            raise AwsError(
                400, "InvalidIdentityToken",
                f"No OpenIDConnect provider knows {form.get('WebIdentityToken')}",
            )
        return self._assume_role(request, form, "a service account", "AssumeRoleWithWebIdentity")

    def _assume_role(
        self, request: Request, form: dict[str, str], caller: str, action: str
    ) -> Response:
        if (request.method, request.path) != ("POST", "/"):
            raise AwsError(404, "InvalidAction", f"{request.line} is not expected here")
        if (form.get("Action"), form.get("Version")) != (action, "2011-06-15"):
            raise AwsError(400, "InvalidAction", "Could not find operation for that version")
        name = form.get("RoleSessionName", "")
        if not SESSION_NAME.fullmatch(name):
            raise AwsError(
                400, "ValidationError",
                f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to "
                "satisfy constraint",
            )
        if form.get("RoleArn") != self.role_arn:
            raise AwsError(
                403, "AccessDenied",
                f"User: arn:aws:iam::123456789012:user/{caller} is not authorized to perform: "
                f"sts:AssumeRole on resource: {form.get('RoleArn')}",
            )
        keys = self.account.session(self.seconds)
        self.given.append(keys)
        assert keys.expires is not None
        body = ANSWER.format(
            action=action,
            namespace=NAMESPACE,
            name=name,
            arn=self.role_arn,
            keys=keys,
            expires=f"{keys.expires:%Y-%m-%dT%H:%M:%S}.125Z",
            request=secrets.token_hex(16),
        )
        return Response(200, body.encode(), XML_TYPE)
