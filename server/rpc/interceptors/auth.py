"""Who calls, and whether they may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from server.errors import PermissionDenied, Reason, Unauthenticated
from server.kernel.identity import Caller
from server.kernel.leaving import deletion_started
from server.rpc.call import Call
from server.rpc.policy import MethodPolicy

Authenticate = Callable[[str], Awaitable[Caller]]


class AuthInterceptor:
    """Authenticates the bearer token and holds the caller against the method's policy.

    Args:
        authenticate: turns an access token into its caller, or raises Unauthenticated.
        policies: who may call each method; a method that is not listed is refused to everyone.
    """

    def __init__(self, authenticate: Authenticate, policies: Mapping[str, MethodPolicy]) -> None:
        self._authenticate = authenticate
        self._policies = policies

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        """Refuses the call, or lets it pass with its caller known."""
        if call.exists:
            await self._check(call)
        await proceed()

    async def _check(self, call: Call) -> None:
        policy = self._policies.get(call.method)
        if policy is not None and policy.role is None:
            return
        call.caller = await self._authenticate(_bearer(call.metadata))
        if policy is None:
            raise PermissionDenied(Reason.ROLE_REQUIRED, "Nobody may call this method.")
        if call.caller.deletion_job_id is not None and not policy.while_leaving:
            raise deletion_started(call.caller.deletion_job_id)
        if policy.role is not None and not call.caller.role.includes(policy.role):
            raise PermissionDenied(
                Reason.ROLE_REQUIRED,
                f"This call is for the role {policy.role.value}.",
                metadata={"required_role": policy.role.value},
            )


def _bearer(metadata: Mapping[str, str]) -> str:
    scheme, _, token = metadata.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            Reason.TOKEN_MISSING,
            "This call needs an access token in the metadata `authorization: Bearer <token>`.",
        )
    return token.strip()
