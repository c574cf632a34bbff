"""Commands on the instances, by AWS Systems Manager: nothing listens there, and no key is needed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from aftershock.clock import Clock, SystemClock, wait_until
from aftershock.cluster.ec2.session import Aws
from aftershock.errors import CloudError, CommandError, DeadlineError, TransientError

__all__ = ["SCRIPT_THERE", "Remote"]

SCRIPT_THERE = "/usr/local/sbin/aftershock-node"
# An agent reports one to three minutes after the boot; one that is installed first, later.
REPORTS_WITHIN_S = 420.0
# What is not begun by then never begins: not when everybody has given up on it.
DELIVERED_WITHIN_S = 300
DOCUMENT = "AWS-RunShellScript"
_GOING = {"Pending", "InProgress", "Delayed", "Cancelling"}


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Runs the bootstrap script's verbs on instances."""

    aws: Aws
    clock: Clock = field(default_factory=SystemClock)

    def node(self, instance: str, *words: str, within_s: float = 900.0, stdin: str = "") -> str:
        """Run the script on an instance and return what it printed; `stdin` is one line.

        Raises:
            CloudError: AWS said no.
            CommandError: it failed; with the last lines that it wrote.
            DeadlineError: the instance does not report, or the script does not end.

        """
        command = shlex.join([SCRIPT_THERE, *words])
        line = f"echo {shlex.quote(stdin)} | {command}" if stdin else command
        # Its other words may be a token.
        return self.run(instance, line, shown=f"aftershock-node {words[0]}", within_s=within_s)

    def run(self, instance: str, command: str, *, shown: str, within_s: float = 900.0) -> str:
        """Run a shell's command line on an instance and return what it printed. Raises as `node`.

        Errors name it as `shown`.
        """
        sent = self._sent(instance, command, within_s)

        def ended() -> dict[str, str] | None:
            try:
                found = self.aws.call("ssm", "get_command_invocation", CommandId=sent, InstanceId=instance)
            except CloudError as error:
                if error.code == "InvocationDoesNotExist":  # it is on its way
                    return None
                raise
            return None if found["Status"] in _GOING else found

        # SSM ends it itself; a little later it is known here.
        found = wait_until(
            ended,
            within_s=within_s + 60,
            every_s=2.0,
            what=f"`{shown}` on {instance} to end",
            clock=self.clock,
        )
        if found["Status"] != "Success":
            raise CommandError(
                f"`{shown}` failed on {instance} ({found.get('StatusDetails') or found['Status']})",
                command=["ssm", instance, shown], code=int(found.get("ResponseCode", -1)),
                tail=str(found.get("StandardErrorContent", "")).splitlines()[-25:],
                hint=f"aws ssm start-session --target {instance}; its log: /var/log/aftershock-node.log",
            )  # fmt: skip
        return str(found["StandardOutputContent"])

    def _sent(self, instance: str, command: str, within_s: float) -> str:
        def send() -> str:
            try:
                answer = self.aws.call(
                    "ssm", "send_command", InstanceIds=[instance], DocumentName=DOCUMENT,
                    TimeoutSeconds=DELIVERED_WITHIN_S,
                    Parameters={"commands": [command], "executionTimeout": [str(round(within_s))]},
                )  # fmt: skip
            except CloudError as error:
                if error.code == "InvalidInstanceId":  # its agent has not reported yet
                    raise TransientError(error.found, found=error.found) from error
                raise
            return str(answer["Command"]["CommandId"])

        try:
            return wait_until(
                send, within_s=REPORTS_WITHIN_S, every_s=5.0, what=f"{instance} to report to Systems Manager",
                clock=self.clock,
                hint="it needs a way out to the internet (NAT), and an image with the agent or cloud-init; "
                f"`aws ec2 get-console-output --instance-id {instance}` shows its boot",
            )  # fmt: skip
        except DeadlineError as error:
            raise DeadlineError(
                error.message,
                expected=error.expected,
                found="no report: SSM does not know the instance",
                hint=error.hint,
            ) from error
