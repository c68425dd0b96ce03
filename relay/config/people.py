"""Settings about people: who runs this place, its rules, and who has agreed to them."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from relay.config.group import Group


class ConsentChoice(StrEnum):
    """Whether people are asked before they meet somebody."""

    REQUIRED = "required"
    OFF = "off"


class AccountChoice(StrEnum):
    """Whether people may have an account."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class AboutSettings(Group, frozen=True):
    """Who runs this place, as its pages say it."""

    site_name: Annotated[str | None, Meta(description="What this place is called. Empty: pages name nobody.")] = None
    site_contact: Annotated[
        str | None, Meta(description="Where people reach who runs it: an e-mail address or a URL.")
    ] = None
    site_imprint: Annotated[str | None, Meta(description="URL of a page that says who runs it.")] = None
    site_links: Annotated[
        tuple[str, ...],
        Meta(description="More links on its pages: each a title and a URL, such as Help https://example.org/help."),
    ] = ()


class ConsentSettings(Group, frozen=True):
    """What people agree to before they meet somebody, and how it is known that they did."""

    consent: Annotated[
        ConsentChoice,
        Meta(
            description="`required`: nobody gets a partner before agreeing to the rules, which a signed cookie"
            " remembers. `off`: nobody is asked, and no cookie is set."
        ),
    ] = ConsentChoice.REQUIRED
    rules_file: Annotated[
        str | None,
        Meta(
            description="Markdown file with the rules. A first line such as `version: 2` says which they are; without"
            " it every change of the text asks everybody anew. Empty: rules that come with the server."
        ),
    ] = None
    minimum_age: Annotated[
        int, Meta(ge=0, le=120, description="Years that people say they have reached. 0: they are not asked.")
    ] = 18
    keys_file: Annotated[
        str | None,
        Meta(
            description="File with the server's secret keys, the same for all servers of one place (`relay keys` makes"
            " it). Empty: `keys.json` in `state_dir`, made at the first start."
        ),
    ] = None

    @property
    def is_required(self) -> bool:
        """Whether people are asked."""
        return self.consent == ConsentChoice.REQUIRED


class AccountSettings(Group, frozen=True):
    """Accounts of those who want one, and the operator's own provider of identities."""

    accounts: Annotated[
        AccountChoice,
        Meta(
            description="`optional`: who wants to may sign in, and has their preferences and consent on all their"
            " devices. `required`: nobody gets a partner without. `off`: there are no accounts."
        ),
    ] = AccountChoice.OFF
    oidc_issuer: Annotated[
        str | None,
        Meta(
            description="Issuer URL of your own OpenID provider, such as https://id.example.org/realms/people. Empty:"
            " there is none."
        ),
    ] = None
    oidc_client_id: Annotated[str | None, Meta(description="How the provider knows this place.")] = None
    oidc_client_secret: Annotated[
        Annotated[str, Meta(min_length=8)] | None,
        Meta(description="What the provider gave with `oidc_client_id`. Empty: it is a public client."),
    ] = None
    oidc_scopes: Annotated[
        tuple[str, ...], Meta(description="Scopes that the provider is asked for, besides `openid`.")
    ] = ()
    oidc_name: Annotated[
        str | None, Meta(description="What the provider is called on the page. Empty: its host name.")
    ] = None
    oidc_required_claim: Annotated[
        str | None,
        Meta(
            description="Claim without which nobody gets an account: `age_over_18` must be true, `groups=members` must"
            " have that value. Accounts by passkey alone are then refused. Empty: none."
        ),
    ] = None

    @property
    def are_on(self) -> bool:
        """Whether there are any."""
        return self.accounts != AccountChoice.OFF

    @property
    def by_passkey(self) -> bool:
        """Whether a passkey alone makes an account: nobody vouches for it."""
        return self.are_on and self.oidc_required_claim is None

    @property
    def provider_name(self) -> str | None:
        """As the page calls it; None: there is none."""
        return self.oidc_issuer and (self.oidc_name or urlsplit(self.oidc_issuer).hostname)


class StaffSettings(Group, frozen=True):
    """Those who look after the place, each by their own name."""

    staff_hours: Annotated[
        int,
        Meta(ge=1, le=24 * 7, description="Hours after which somebody of the staff has to sign in again."),
    ] = 8


def link_of(written: str) -> tuple[str, str]:
    """Title and URL of one of `site_links`."""
    title, _, url = written.strip().rpartition(" ")
    return title.strip(), url
