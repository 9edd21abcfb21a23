"""Emulator of AssumeRole of AWS's Security Token Service."""

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
<AssumeRoleResponse xmlns="{namespace}">
  <AssumeRoleResult>
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
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>
</AssumeRoleResponse>
"""


class StsApi(HttpService):
    """Gives keys of `role_arn` to who has keys of the account; `seconds` is how long they last.

    `given` are all that were given. More kinds of fault: "throttled".
    """

    def __init__(
        self,
        account: AwsAccount,
        *,
        role_arn: str = "arn:aws:iam::123456789012:role/dns/ingress+test",
        region: str = "us-east-1",
        seconds: float = 3600,
    ) -> None:
        super().__init__()
        self.account = account
        self.role_arn = role_arn
        self.region = region
        self.seconds = seconds
        self.given: list[Keys] = []

    def respond(self, request: Request) -> Response:
        try:
            caller = self.account.authenticate(request, self.region, "sts", echo=True)
            return self._assume_role(request, caller)
        except AwsError as error:
            return error.as_response(NAMESPACE)

    def respond_with_fault(self, request: Request, fault: Fault) -> Response:
        if fault.kind == "throttled":
            return AwsError(400, "Throttling", "Rate exceeded").as_response(NAMESPACE)
        return super().respond_with_fault(request, fault)

    def _assume_role(self, request: Request, caller: Keys) -> Response:
        form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
        if (request.method, request.path) != ("POST", "/"):
            raise AwsError(404, "InvalidAction", f"{request.line} is not expected here")
        if (form.get("Action"), form.get("Version")) != ("AssumeRole", "2011-06-15"):
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
                f"User: arn:aws:iam::123456789012:user/{caller.id} is not authorized to perform: "
                f"sts:AssumeRole on resource: {form.get('RoleArn')}",
            )
        keys = self.account.session(self.seconds)
        self.given.append(keys)
        assert keys.expires is not None
        body = ANSWER.format(
            namespace=NAMESPACE,
            name=name,
            arn=self.role_arn,
            keys=keys,
            expires=f"{keys.expires:%Y-%m-%dT%H:%M:%S}.125Z",
            request=secrets.token_hex(16),
        )
        return Response(200, body.encode(), XML_TYPE)
