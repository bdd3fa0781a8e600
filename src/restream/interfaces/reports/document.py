"""A report for programs."""

from __future__ import annotations

from restream.interfaces.documents.reports import (
    CameraReportDocument,
    CauseReportDocument,
    ReportDocument,
    SiteReportDocument,
    figures_document,
)
from restream.interfaces.documents.values import timestamp
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.sheets import method
from restream.interfaces.reports.words import ReportWords


def report_document(report: AvailabilityReport, words: ReportWords) -> ReportDocument:
    """All of it."""
    period, sums = report.period, report.sums
    causes = sorted(sums.by_cause.items(), key=lambda each: (-each[1].down_s, each[0]))
    return ReportDocument(
        period.name,
        timestamp(period.begin),
        timestamp(period.end),
        period.zone,
        timestamp(report.made_at),
        report.sites,
        tuple(method(words)),
        figures_document(sums.total),
        tuple(SiteReportDocument(each.site, each.cameras, figures_document(each.figures)) for each in report.by_site),
        tuple(
            CauseReportDocument(key.cause, key.side, round(each.down_s, 1), each.outages, each.cameras)
            for key, each in causes
        ),
        tuple(each.camera for each in sums.worst),
        tuple(
            CameraReportDocument(each.camera, each.name, each.site, figures_document(each.figures))
            for each in report.cameras
        ),
    )
