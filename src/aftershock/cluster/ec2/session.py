"""AWS' API: one way to call it, and its errors as ours. The only module that imports boto3."""

from __future__ import annotations

import difflib
import os
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

from aftershock.cluster.api import Json
from aftershock.errors import CloudError, ConfigError, EnvironmentUnusableError

__all__ = ["MISSING", "Aws"]

POLICY = "cluster/ec2/policy.json lists the permissions that are needed"

_CREDENTIALS = {
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId",
    "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException",
}  # fmt: skip
_PERMISSION = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_CAPACITY = {
    "InsufficientInstanceCapacity",
    "InsufficientFreeAddressesInSubnet",
    "Server.InsufficientInstanceCapacity",
    "Unsupported",  # the type is not offered in that zone
}
# Of calls, not of things: boto3 has tried again some times by then.
_TOO_FAST = {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"}

MISSING = frozenset(
    {
        "InvalidAllocationID.NotFound", "InvalidAssociationID.NotFound", "InvalidGroup.NotFound",
        "InvalidInstanceID.NotFound",
        "InvalidInternetGatewayID.NotFound", "InvalidKeyPair.NotFound", "InvalidRouteTableID.NotFound",
        "InvalidSubnetID.NotFound", "InvalidVpcID.NotFound", "NatGatewayNotFound", "NoSuchEntity",
        "ResourceNotFoundException",
    }
)  # fmt: skip
"""Codes that say: there is no such thing (any more)."""


class Aws:
    """The services of one region, with the credentials that AWS' own tools would use."""

    def __init__(self, region: str = "") -> None:
        self._wanted = region
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    @cached_property
    def session(self) -> Any:
        """boto3's session, in a region that exists.

        Raises:
            EnvironmentUnusableError: boto3 is not installed.
            ConfigError: there is no such region, or none is named.

        """
        try:
            import boto3  # noqa: PLC0415 - an extra: nobody else needs it
            import botocore.exceptions  # noqa: PLC0415
        except ImportError as error:
            raise EnvironmentUnusableError(
                "boto3 is not installed",
                expected="the extra ec2",
                found=str(error),
                hint="pip install 'aftershock[ec2]'",
            ) from error
        try:
            # boto3 itself reads AWS_DEFAULT_REGION alone; AWS' other tools read this one first.
            region = self._wanted or os.environ.get("AWS_REGION")
            session = boto3.Session(region_name=region or None)
        except botocore.exceptions.ProfileNotFound as error:
            raise ConfigError(
                str(error), expected="a profile of ~/.aws/config", hint="unset AWS_PROFILE"
            ) from error
        # Of every partition, and offline: a wrong name would only be a host that nobody knows.
        known = [
            name
            for part in session.get_available_partitions()
            for name in session.get_available_regions("ec2", part)
        ]
        if session.region_name not in known:
            near = difflib.get_close_matches(session.region_name or "", known, n=1)
            raise ConfigError(
                f"there is no EC2 region {session.region_name!r}"
                if session.region_name
                else "no EC2 region is named",
                expected="a region that this boto3 knows, as eu-central-1",
                found=repr(session.region_name or ""),
                hint=f"did you mean {near[0]}?"
                if near
                else "set ec2.region in [tool.aftershock], or AWS_REGION",
            )
        return session

    @property
    def region(self) -> str:
        """The region's name."""
        return str(self.session.region_name)

    @property
    def partition(self) -> str:
        """What ARNs of this region begin with, after arn: "aws", or that of China or the government."""
        return str(self.session.get_partition_for_region(self.region))

    def client(self, service: str) -> Any:
        """Return boto3's client of a service; made once. Threads may share it, but not make it."""
        with self._making:
            if service not in self._clients:
                from botocore.config import Config  # noqa: PLC0415 - as above

                config = Config(
                    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60,
                    user_agent_extra="aftershock",
                )  # fmt: skip
                self._clients[service] = self.session.client(service, config=config)
            return self._clients[service]

    def call(self, service: str, operation: str, **arguments: Any) -> Json:
        """Call `operation` (as "describe_vpcs") and return its answer.

        Raises:
            CloudError: AWS said no, or is not reached.

        """
        found: Json = self._told(service, operation, lambda client: getattr(client, operation)(**arguments))
        return found

    def items(self, service: str, operation: str, key: str, **arguments: Any) -> list[Json]:
        """Return everything that a paged call lists under `key`.

        Raises:
            CloudError: as `call`.

        """

        def read(client: Any) -> list[Json]:
            if not client.can_paginate(operation):
                return list(getattr(client, operation)(**arguments)[key])
            return [
                item for page in client.get_paginator(operation).paginate(**arguments) for item in page[key]
            ]

        found: list[Json] = self._told(service, operation, read)
        return found

    def unless_gone(self, service: str, operation: str, **arguments: Any) -> bool:
        """Call an operation on something; say whether it was there.

        Raises:
            CloudError: as `call`, but for "there is no such thing".

        """
        try:
            self.call(service, operation, **arguments)
        except CloudError as error:
            if error.code not in MISSING:
                raise
            return False
        return True

    def _told(self, service: str, operation: str, act: Callable[[Any], Any]) -> Any:
        from botocore import exceptions  # noqa: PLC0415 - as above; it is there once there is a session

        what = f"{service}:{''.join(word.capitalize() for word in operation.split('_'))}"
        try:
            return act(self.client(service))
        except exceptions.ClientError as error:
            raise _refused(what, error.response.get("Error", {})) from error
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.SSOError,
                exceptions.CredentialRetrievalError, exceptions.TokenRetrievalError) as error:  # fmt: skip
            raise CloudError(
                "there are no AWS credentials",
                code="NoCredentials",
                expected="what AWS' own tools use: AWS_ACCESS_KEY_ID with its secret, a profile, or a role",
                found=str(error),
                hint="`aws sts get-caller-identity` shows whether they work",
            ) from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            raise CloudError(
                f"AWS is not reached ({what})", code=type(error).__name__, found=str(error),
                hint="check the network, and HTTPS_PROXY",
            ) from error  # fmt: skip
        except exceptions.BotoCoreError as error:
            raise CloudError(
                f"boto3 could not call {what}", code=type(error).__name__, found=str(error),
                hint="check ~/.aws/config, and that boto3 is not older than the extra ec2 asks for",
            ) from error  # fmt: skip


def _refused(what: str, said: Json) -> CloudError:
    code, text = str(said.get("Code", "unknown")), str(said.get("Message", ""))
    message, hint = f"AWS refused {what}", ""
    if code in _CREDENTIALS:
        message = f"AWS does not accept the credentials ({what})"
        hint = "renew them (`aws sso login`), check the clock, and that the region is enabled for the account"
    elif code in _PERMISSION:
        message, hint = f"the credentials may not call {what}", POLICY
    elif code in _CAPACITY:
        message = f"EC2 has no room for this now ({what})"
        hint = "set ec2.zone or another instance type in [tool.aftershock.ec2], or try later"
    elif code in _TOO_FAST:
        message = f"AWS is asked too often ({what})"
        hint = "wait a minute: others use the account's rate of calls, too"
    elif "LimitExceeded" in code or "QuotaExceeded" in code:
        message = f"a quota of the account is reached ({what})"
        hint = "remove what is not needed, or raise it: https://console.aws.amazon.com/servicequotas"
    return CloudError(message, code=code, found=f"{code}: {text}", hint=hint)
