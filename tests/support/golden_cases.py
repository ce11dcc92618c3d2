"""The reports that have golden files, by the names of these."""

from dataclasses import replace

from blueattr.report import attribution_report, attributions_report, comparison_report
from support.inventory_cases import INVENTORIES
from support.report_cases import (
    ATTRIBUTION,
    COMPARISON,
    FEATURES_FILE,
    GROUPED,
    GROUPED_TWICE,
    INTERVALS,
    INVOLVED,
    NESTED,
    OWN_INDICATOR,
    QUADRATURE,
    STATUS,
    VAR,
)
from support.study_cases import BOOTSTRAP, STUDIES

REPORTS = {
    "attribution": attribution_report(ATTRIBUTION),
    "attribution-quadrature": attribution_report(QUADRATURE),
    "attribution-involved": attribution_report(INVOLVED),
    "attribution-intervals": attribution_report(
        replace(INTERVALS, bootstrap=replace(BOOTSTRAP, indicators=BOOTSTRAP.indicators[:1]))
    ),
    "attribution-groups": attribution_report(GROUPED),
    "attribution-groups-within": attributions_report(
        [GROUPED_TWICE, replace(VAR, groups=replace(NESTED, owen="value", orders=None))]
    ),
    "attribution-own": attribution_report(OWN_INDICATOR),
    "attribution-features-file": attribution_report(FEATURES_FILE),
    "attributions": attributions_report([ATTRIBUTION, VAR]),
    "comparison": comparison_report(COMPARISON),
    "status": STATUS,
    **INVENTORIES,
    **STUDIES,
}
