"""Where ingress-dns has AWS's keys from, what it says when there are none, and what it never says."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aws_account import AwsAccount, Keys
from support.aws_metadata import ContainerCredentials, InstanceMetadata
from support.bind import Bind
from support.route53_api import Route53Api
from support.sts_api import StsApi

from .dns_bench import BAD_CONFIG, FOREIGN, TRY_LATER, UNREACHABLE, Bench, api_bench, challenge

ZONE = "demo.test"
NAME = "_acme-challenge.new.demo.test"
VALUE = challenge("new.demo.test", "v")
# A proxy that is not there: keys of a machine are not fetched through one.
NO_PROXY = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "none.test"}


@pytest.fixture(name="account")
def _account() -> AwsAccount:
    return AwsAccount()


@pytest.fixture(name="api")
def _api(account: AwsAccount) -> Iterator[Route53Api]:
    with Route53Api(zones=[ZONE], account=account) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, api: Route53Api) -> Bench:
    """Without any keys; `set-txt` needs no DNS."""
    variables = {"DNS_PROVIDER": "route53", "ROUTE53_API_URL": api.url}
    return Bench(tmp_path, variables, api.credentials)


def keys_of(keys: Keys) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": keys.id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_SESSION_TOKEN": keys.token or "",
    }


def role_of(sts: StsApi) -> dict[str, str]:
    return {"AWS_ROLE_ARN": sts.role_arn, "STS_API_URL": sts.origin}


def write(bench: Bench, **settings: str) -> subprocess.CompletedProcess[str]:
    """Makes a record, as loud as can be."""
    return bench.run("set-txt", f"x.{ZONE}", "v", LOG_LEVEL="debug", **settings)


def assert_written(bench: Bench, api: Route53Api, given: list[Keys], **settings: str) -> None:
    """The record is there, and nothing that was `given` for it shows."""
    result = write(bench, **settings)
    assert result.returncode == 0, result.stderr
    assert api.values(ZONE, f"x.{ZONE}", "TXT") == ['"v"']
    assert_hidden(result, given)


def assert_refused(
    bench: Bench, api: Route53Api, status: int, words: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    result = write(bench, **settings)
    assert words in result.stderr
    assert result.returncode == status, result.stderr
    assert api.requests("POST") == []
    return result


def assert_hidden(result: subprocess.CompletedProcess[str], given: list[Keys]) -> None:
    for keys in given:
        for secret in keys.hidden:
            assert secret not in result.stdout + result.stderr


# ---- the environment


def test_plain_keys(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    # Given empty, they are not given.
    empty = {"AWS_ROLE_ARN": "", "AWS_SESSION_TOKEN": ""}
    assert_written(bench, api, [account.user], **{**keys_of(account.user), **empty})


def test_an_address_of_the_api_with_a_path(
    bench: Bench, api: Route53Api, account: AwsAccount
) -> None:
    """Its calls would be signed for other paths, and the keys blamed."""
    result = write(bench, ROUTE53_API_URL=f"{api.url}/prefix", **keys_of(account.user))
    assert result.returncode == BAD_CONFIG
    assert f'ROUTE53_API_URL is "{api.url}/prefix": must be a scheme and a host' in result.stderr
    assert api.requests() == []


def test_a_session(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    keys = account.session()
    assert_written(bench, api, [keys], **keys_of(keys))


def test_secrets_in_files(tmp_path: Path, bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    keys = account.session()
    settings = {"AWS_ACCESS_KEY_ID": keys.id}
    for name, secret in (("SECRET_ACCESS_KEY", keys.secret), ("SESSION_TOKEN", keys.token)):
        path = tmp_path / name
        path.write_text(f"{secret}\n")
        settings[f"AWS_{name}_FILE"] = str(path)
    assert_written(bench, api, [keys], **settings)


def test_keys_that_are_wrong(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    session = account.session()
    wrong = {"AWS_SECRET_ACCESS_KEY": "x" * 40}
    # AWS quotes the request that should have been signed, token and all.
    result = assert_refused(
        bench, api, BAD_CONFIG, "check AWS_SECRET_ACCESS_KEY", **{**keys_of(session), **wrong}
    )
    assert "SignatureDoesNotMatch: The request signature we calculated" in result.stderr
    assert_hidden(result, [session])
    assert_refused(
        bench, api, BAD_CONFIG, "check AWS_ACCESS_KEY_ID",
        **{**keys_of(account.user), "AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"},
    )
    assert_refused(
        bench, api, BAD_CONFIG, "AWS_SESSION_TOKEN, which a key that begins with ASIA needs",
        **{**keys_of(session), "AWS_SESSION_TOKEN": ""},
    )


def test_a_session_that_is_over(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    expired = account.session(-60)
    result = assert_refused(
        bench, api, BAD_CONFIG, "ExpiredToken: The security token", **keys_of(expired)
    )
    assert "give a new AWS_SESSION_TOKEN" in result.stderr


@pytest.mark.parametrize(("minutes", "words"), [(6, "Signature expired"), (-6, "not yet current")])
def test_a_clock_that_is_wrong(
    bench: Bench, api: Route53Api, account: AwsAccount, minutes: int, words: str
) -> None:
    account.ahead = datetime.timedelta(minutes=minutes)
    result = assert_refused(bench, api, BAD_CONFIG, words, **keys_of(account.user))
    assert "set the clock of this machine, which says 20" in result.stderr


def test_a_part_of_the_keys(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        settings = {**keys_of(account.user), name: ""}
        assert_refused(bench, api, BAD_CONFIG, f"which needs {name} too", **settings)
    token = {"AWS_SESSION_TOKEN": account.session().token or ""}
    assert_refused(bench, api, BAD_CONFIG, "AWS_SESSION_TOKEN only with them", **token)


# ---- roles


@pytest.mark.parametrize("region", ["", "eu-west-1"])
def test_a_role(bench: Bench, api: Route53Api, account: AwsAccount, region: str) -> None:
    with StsApi(account, region=region or "us-east-1") as sts:
        settings = {**keys_of(account.user), **role_of(sts), "AWS_REGION": region}
        assert_written(bench, api, sts.given, **settings)
        assert len(sts.given) == 1


def test_a_role_that_is_not_to_be_had(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    with StsApi(account) as sts:
        settings = {**keys_of(account.user), **role_of(sts)}
        other = {**settings, "AWS_ROLE_ARN": sts.role_arn + "-other"}
        result = assert_refused(bench, api, BAD_CONFIG, "AWS STS: AssumeRole: HTTP status 403", **other)
        assert "not authorized to perform: sts:AssumeRole" in result.stderr
        assert "let the trust policy of the role in AWS_ROLE_ARN name" in result.stderr
        sts.fault("throttled", times=1)
        assert_written(bench, api, sts.given, **settings)


def test_a_role_whose_keys_cannot_be_read(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    with StsApi(account) as sts:
        settings = {**keys_of(account.user), **role_of(sts)}
        for fault, words in (
            ({"kind": "status", "status": 200, "body": "<a/>"}, "lacks AccessKeyId"),
            ({"kind": "empty"}, "AWS STS: AssumeRole: HTTP status 200"),
            ({"kind": "status", "status": 503}, "HTTP status 503"),
        ):
            sts.clear_faults()
            sts.fault(times=None, **fault)  # type: ignore[arg-type]
            result = assert_refused(bench, api, UNREACHABLE, words, **settings)
            assert_hidden(result, sts.given)


def test_wrong_keys_at_sts_are_not_shown(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    session = account.session()
    with StsApi(account) as sts:
        settings = {**keys_of(session), **role_of(sts), "AWS_SECRET_ACCESS_KEY": "x" * 40}
        result = assert_refused(bench, api, BAD_CONFIG, "check AWS_SECRET_ACCESS_KEY", **settings)
        assert_hidden(result, [session])


# ---- containers


@pytest.mark.parametrize("in_file", [False, True])
def test_a_container(
    tmp_path: Path, bench: Bench, api: Route53Api, account: AwsAccount, in_file: bool
) -> None:
    with ContainerCredentials(account) as container:
        settings = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url}
        if in_file:
            (tmp_path / "token").write_text(container.token)
            settings["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(tmp_path / "token")
        else:
            settings["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = container.token
        bench.secrets = [container.token]
        assert_written(bench, api, container.given, **settings)
        assert len(container.given) == 1


def test_a_container_comes_after_keys_and_before_the_instance(
    bench: Bench, api: Route53Api, account: AwsAccount
) -> None:
    with ContainerCredentials(account) as container, InstanceMetadata(account) as instance:
        settings = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": container.token,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.origin,
        }
        assert write(bench, **settings).returncode == 0
        assert (len(container.given), instance.requests()) == (1, [])
        assert write(bench, **settings, **keys_of(account.user)).returncode == 0
        assert len(container.given) == 1


def test_a_container_that_refuses(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    with ContainerCredentials(account) as container:
        uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url}
        token = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": container.token}
        bench.secrets = [container.token, "another-token"]
        for settings, words in (
            (uri, "HTTP status 401, AccessDeniedException: unauthorized"),
            ({**uri, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "another-token"}, "HTTP status 401"),
            ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{container.url}x", **token}, "NotFound"),
        ):
            result = assert_refused(bench, api, BAD_CONFIG, words, **settings)
            assert "check AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or" in result.stderr
        echo = {"code": "Odd", "message": f"you sent {container.token}"}
        container.fault("status", status=403, body=echo, times=None)
        assert_refused(bench, api, BAD_CONFIG, "Odd: you sent ***", **uri, **token)
        container.down()
        result = assert_refused(bench, api, UNREACHABLE, "credential endpoint", **uri, **token)


def test_a_container_whose_answer_is_broken(
    bench: Bench, api: Route53Api, account: AwsAccount
) -> None:
    with ContainerCredentials(account) as container:
        settings = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": container.token,
        }
        for body, words in (
            (f'{{"SecretAccessKey": "{account.user.secret}"', "the answer is not JSON"),
            ("{}", "lacks AccessKeyId"),
        ):
            container.clear_faults()
            container.fault("status", status=200, body=body, times=None)
            result = assert_refused(bench, api, UNREACHABLE, words, **settings)
            assert_hidden(result, [account.user])


def test_where_a_container_may_be_asked(bench: Bench, api: Route53Api) -> None:
    uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/credentials"}
    assert_refused(bench, api, BAD_CONFIG, "the addresses of AWS's metadata services", **uri)


# ---- instances


def test_an_instance(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    with InstanceMetadata(account, role="role=x,+@-") as instance:
        settings = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{instance.origin}/"}
        assert_written(bench, api, instance.given, **settings)
        assert [r.method for r in instance.requests()] == ["PUT", "GET", "GET"]


def test_an_instance_without_a_usable_role(
    bench: Bench, api: Route53Api, account: AwsAccount
) -> None:
    with InstanceMetadata(account, role=None) as instance:
        settings = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.origin}
        result = assert_refused(bench, api, BAD_CONFIG, "the instance has no IAM role", **settings)
        assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of a container" in result.stderr
        instance.role, instance.code = "dns", "AssumeRoleUnauthorizedAccess"
        assert_refused(
            bench, api, BAD_CONFIG, "AssumeRoleUnauthorizedAccess: EC2 cannot assume", **settings
        )
        instance.fault("status", "^PUT", status=403, times=None)
        assert_refused(bench, api, BAD_CONFIG, "HTTP status 403; is it turned off?", **settings)


def test_no_instance(bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    words = "there are no AWS credentials in the environment"
    with InstanceMetadata(account) as instance:
        settings = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.origin}
        instance.fault("hang", times=None)
        assert_refused(bench, api, TRY_LATER, words, **settings)
        instance.down()
        assert_refused(bench, api, UNREACHABLE, words, **settings)
        instance.forget_requests()
        assert_refused(
            bench, api, BAD_CONFIG, "AWS_EC2_METADATA_DISABLED keeps the instance metadata",
            AWS_EC2_METADATA_DISABLED="Yes", **settings,
        )
        assert instance.requests() == []


def test_machines_are_asked_past_the_proxy(
    bench: Bench, api: Route53Api, account: AwsAccount
) -> None:
    """The API itself is not: it stands behind the proxy that is not there."""
    with InstanceMetadata(account) as instance:
        settings = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.origin, **NO_PROXY}
        assert_refused(bench, api, UNREACHABLE, "Route 53", **settings)
        assert len(instance.given) == 1


# ---- together


def test_a_role_with_the_keys_of_an_instance(
    bench: Bench, api: Route53Api, account: AwsAccount
) -> None:
    with InstanceMetadata(account) as instance, StsApi(account) as sts:
        settings = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.origin, **role_of(sts)}
        assert_written(bench, api, instance.given + sts.given, **settings)
        assert (len(instance.given), len(sts.given)) == (1, 1)


def test_keys_are_renewed_while_a_change_is_waited_for(tmp_path: Path, account: AwsAccount) -> None:
    with Bind(tmp_path / "bind", (ZONE,), records={ZONE: FOREIGN}) as bind, Route53Api(
        bind, account=account, polls=5, seconds=None
    ) as api, InstanceMetadata(account, seconds=200) as instance:
        bench = api_bench(tmp_path, bind, api, **keys_of(account.user))
        for name in keys_of(account.user):
            bench.variables[name] = ""
        settings = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.origin}
        result = bench.run("auth", LOG_LEVEL="debug", **settings, **VALUE)
        assert result.returncode == 0, result.stderr
        assert bind.query(NAME, "TXT") == ["v"]
        assert len(instance.given) == 2
        assert_hidden(result, instance.given)


# ---- a token of a service account


def test_a_web_identity(tmp_path: Path, bench: Bench, api: Route53Api, account: AwsAccount) -> None:
    """The token is read each time it is needed, and no key of another kind is asked for."""
    path = tmp_path / "token"
    path.write_text("eyJhbGciOiJSUzI1NiJ9.first.sig_-\n")
    with StsApi(account, web_token="eyJhbGciOiJSUzI1NiJ9.first.sig_-") as sts:
        settings = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(path), **role_of(sts)}
        assert_written(bench, api, sts.given, **settings)
        assert len(sts.given) == 1
        sts.web_token = "another"
        refused = write(bench, **settings)
        assert refused.returncode == BAD_CONFIG, refused.stderr
        assert "AssumeRoleWithWebIdentity" in refused.stderr
        assert "InvalidIdentityToken" in refused.stderr
        assert "eyJhbGciOiJSUzI1NiJ9" not in refused.stderr
        path.write_text("another")
        assert write(bench, **settings).returncode == 0


def test_a_web_identity_without_a_role(
    tmp_path: Path, bench: Bench, api: Route53Api
) -> None:
    assert_refused(
        bench, api, BAD_CONFIG, "AWS_WEB_IDENTITY_TOKEN_FILE needs AWS_ROLE_ARN",
        AWS_WEB_IDENTITY_TOKEN="eyJ.x.y",
    )  # fmt: skip
