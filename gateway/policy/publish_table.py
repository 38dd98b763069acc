"""``[publish]`` of a policy file, as pydantic reads it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.policy import publish_words, words
from gateway.terms.publishing import RobotsPreferences


class PublishTable(BaseModel):
    """``[publish]``: in which channels the terms are told, besides robots.txt and license.xml."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)

    content_usage: words.Flag = Field(default=True, description="tell AIPREF preferences (Content-Usage)")
    content_signals: words.Flag = Field(default=True, description="tell Content Signals (Content-Signal)")
    tdmrep: words.Flag = Field(default=True, description="tell what is reserved by TDMRep (file and headers)")
    preferences: words.PreferencesWord = Field(
        default=RobotsPreferences.COMBINE,
        description="combine with what your own robots.txt says, the stricter wins; or policy alone",
    )
    html_link: words.Flag = Field(
        default=False, description="put a link to the license into pages for crawlers"
    )
    html_script: words.Flag = Field(
        default=False, description="put the license itself into pages for crawlers"
    )
    feeds: words.Flag = Field(
        default=False, description="put the license into RSS and Atom feeds for crawlers"
    )
    x_robots_tag: words.Flag = Field(
        default=False, description="say noai, noimageai where AI uses are reserved"
    )
    trust_txt: words.Flag = Field(default=False, description="say in trust.txt whether training is allowed")
    llms_txt: words.Flag = Field(default=False, description="add a section on licensing to llms.txt")
    license_days: publish_words.LicenseDays = Field(
        default=7, description="days for which a reader of license.xml may go by it"
    )
    disclaimers: publish_words.Disclaimers = Field(
        default=(), description="what you do not vouch for, in the words of RSL"
    )
    warranties: words.Flag = Field(
        default=False, description="state in public what your offers warrant (liability.warranties)"
    )
    attest: words.Flag = Field(default=False, description="state that you may grant what you offer")
    proofs: publish_words.Uris = Field(default=(), description="addresses where your rights can be looked up")
    reporting_profile: publish_words.Uri = Field(
        default="", description="address of how licensees report; crawlers that do not know it stay away"
    )
    schema_url: publish_words.Url = Field(default="", description="address of JSON-LD about the whole site")
    alternates: publish_words.Alternates = Field(
        default=(), description="other forms of the whole site, by kind"
    )
