"""Group `explore`: the corpus for people with questions."""

import dagster as dg

from assets.resources import LakeResource
from assets.serve import release


@dg.asset(group_name="explore", deps=[release], kinds={"duckdb"})
def sql_export(lake: LakeResource) -> dg.MaterializeResult:
    """The tables as one DuckDB file that any DuckDB opens; made on demand, in place of the one before.

    **Reads** every table of the lake.
    **Writes** `explore/corpus.duckdb` in the home; pictures are left out. No job but `export` makes it.
    """
    from lake.sql import export

    folder = lake.folders.explore
    folder.mkdir(parents=True, exist_ok=True)
    counts = export(lake.open(), folder / "corpus.duckdb", replace=True)
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(folder / "corpus.duckdb")),
            "rows": sum(counts.values()),
            "tables": dg.MetadataValue.table(
                [dg.TableRecord({"table": name, "rows": rows}) for name, rows in counts.items()]
            ),
        }
    )
