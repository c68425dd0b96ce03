"""Whether the operator's own provider of identities answers, as it would when the first person signs in."""

from collections.abc import Sequence

from relay.auth.accounts import registration
from relay.auth.keys import Keys
from relay.auth.oidc import Oidc
from relay.checks.finding import Finding, failure, ok
from relay.config.settings import Settings
from relay.errors import RelayError


async def check_provider(settings: Settings) -> Sequence[Finding]:
    """Nothing where there is none."""
    registered = registration(settings.account)
    if registered is None:
        return ()
    provider = Oidc(registered, Keys.temporary())
    try:
        found = await provider.discover()
    except RelayError as error:
        sentence = f"RELAY_OIDC_ISSUER {registered.issuer} can't be used: {error.__cause__}."
        return (failure("provider", sentence),)
    finally:
        await provider.close()
    sentence = f"{found.issuer} answers. It has to know the page's address with videochat/account/back behind it."
    return (ok("provider", sentence),)
