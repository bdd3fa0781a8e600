"""The audit log as documents."""

from __future__ import annotations

from typing import Annotated

from restream.domain.access.audit import AuditEntry, AuditResult
from restream.interfaces.documents.values import Document, Moment, Whole, about, timestamp


class AuditDocument(Document):
    """Something that somebody did, or tried to."""

    id: Annotated[Whole, about("Milliseconds of Unix time, made unique within a node.", 1767607240000)]
    at: Moment
    who: Annotated[str, about("Empty: nobody who is known.", "anna")]
    role: Annotated[str, about("", "operate")]
    address: Annotated[str, about("Where it was asked from.", "10.0.0.7")]
    action: Annotated[str, about("Of the path that was asked for.", "cameras/restart")]
    target: Annotated[str, about("Id of what it was done to.", "7")]
    result: Annotated[AuditResult, about("", "done")]
    detail: Annotated[str, about("Why it was refused or failed, or what it was of.")]
    node: Annotated[str, about("Which service was asked.", "site-a")]


def audit_document(entry: AuditEntry) -> AuditDocument:
    """One entry."""
    return AuditDocument(
        *(entry.id, timestamp(entry.at), entry.who, entry.role, entry.address, entry.action, entry.target),
        *(entry.result, entry.detail, entry.node),
    )
