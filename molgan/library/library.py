"""A library: molecules with unique names, their scores, and the reasons why a score is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan.chem import Decoded, logp, qed, quiet_rdkit, read_smiles, sa_score
from molgan.errors import ChemistryError, DataError
from molgan.library.writers import atomic_write, molecule_name, smi_line

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    from molgan.views.interactive import InteractiveGrid
    from molgan.views.view import View


class Library:
    """A table of molecules with the columns `name`, `smiles` and one for each score.

    Args:
        frame: The table; names that are missing are given by position.
        prefix: Of names given here.
        rejected: Reason -> number of molecules drawn that are not in the table.

    Attributes:
        frame: pandas DataFrame with a fresh index 0..n-1; `name` and `smiles` come first.
        rejected: As given.

    Raises:
        DataError: If there is no column `smiles`, or names repeat.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        prefix: str = "mol",
        rejected: Mapping[str, int] | None = None,
    ) -> None:
        if "smiles" not in frame.columns:
            raise DataError(
                f"a library needs a column smiles; there are: {', '.join(map(str, frame.columns))}"
            )
        frame = frame.reset_index(drop=True)
        if "name" not in frame.columns:
            frame["name"] = [molecule_name(prefix, index) for index in range(len(frame))]
        elif frame["name"].isna().any():
            given = [molecule_name(prefix, index) for index in range(len(frame))]
            frame["name"] = frame["name"].where(frame["name"].notna(), given)
        repeated = frame["name"][frame["name"].duplicated()]
        if len(repeated):
            raise DataError(
                f"names in a library must be unique, and {repeated.iloc[0]!r} is there twice: draw "
                "with another prefix=, or leave the column name out, for new ones"
            )
        first = ["name", "smiles"]
        self.frame = frame[first + [name for name in frame.columns if name not in first]]
        self.rejected = dict(rejected or {})

    @classmethod
    def from_decoded(
        cls,
        decoded: Sequence[Decoded],
        scores: Mapping[str, Sequence[Any]] | None = None,
        reasons: Sequence[str | None] | None = None,
        *,
        prefix: str = "mol",
    ) -> Library:
        """Build from decoded molecules; invalid ones are counted by reason in `rejected`.

        Args:
            decoded: B molecules.
            scores: Column name -> B values, such as `ObjectiveResult.columns()`.
            reasons: B entries: why scores of a molecule are missing; becomes the column `reason` if
                there are any.
            prefix: Of the names, which count the molecules kept.
        """
        import pandas as pd

        kept = [row for row, item in enumerate(decoded) if item.smiles is not None]
        columns: dict[str, list[Any]] = {"smiles": [decoded[row].smiles for row in kept]}
        for name, values in (scores or {}).items():
            columns[name] = [values[row] for row in kept]
        if reasons is not None and any(reasons[row] for row in kept):
            columns["reason"] = [reasons[row] or "" for row in kept]
        rejected = Counter(item.reason or "invalid" for item in decoded if item.smiles is None)
        return cls(pd.DataFrame(columns), prefix=prefix, rejected=rejected)

    @classmethod
    def read(cls, path: str | Path) -> Library:
        """Read a library back from a .smi (`SMILES name`) or .csv file written by this class.

        For files from elsewhere, with other columns, encodings or bad lines, use `molgan.data`.

        Args:
            path: The file; anything but .csv is read as lines of SMILES.

        Raises:
            DataError: If the file is missing, is no UTF-8 text, or has no SMILES.
        """
        import pandas as pd

        path = Path(path)
        try:
            if path.suffix.lower() == ".csv":
                return cls(pd.read_csv(path, dtype={"name": str, "smiles": str}))
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise DataError(f"there is no file {path}") from error
        except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise DataError(f"{path} is no library that can be read: {error}") from error
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        rows = [line.split(maxsplit=1) for line in lines if line.strip()]
        frame = pd.DataFrame({"smiles": [row[0] for row in rows]}, dtype=object)
        if rows and all(len(row) == 2 for row in rows):
            frame["name"] = [row[1].strip() for row in rows]
        return cls(frame)

    def __len__(self) -> int:
        """Return the number of molecules."""
        return len(self.frame)

    def __repr__(self) -> str:
        """Return the number of molecules, the columns, and what was rejected."""
        text = f"Library of {len(self):,} molecules ({', '.join(map(str, self.frame.columns))})"
        if self.rejected:
            reasons = ", ".join(f"{reason} {n:,}" for reason, n in self.rejected.items())
            text += f"; {sum(self.rejected.values()):,} more were drawn and rejected: {reasons}"
        return text

    def _repr_html_(self) -> str:
        """Return what a notebook shows: counts, pictures of the first molecules, their table."""
        from molgan.views.grids import notebook_html

        return notebook_html(self)

    @property
    def smiles(self) -> list[str]:
        """The SMILES, in the order of the table."""
        return list(self.frame["smiles"])

    @property
    def names(self) -> list[str]:
        """The names, in the order of the table."""
        return list(self.frame["name"])

    def distinct(self) -> Library:
        """Each molecule once, under its first name, with its number of copies as `drawn`.

        Of libraries that are distinct already, put together, the copies are added up.
        """
        first = self.frame.drop_duplicates("smiles")
        if "drawn" in self.frame:
            copies = self.frame.groupby("smiles")["drawn"].sum()
        else:
            copies = self.frame["smiles"].value_counts()
        return Library(first.assign(drawn=first["smiles"].map(copies)), rejected=self.rejected)

    def scored(self) -> Library:
        """The same molecules with the columns `qed`, `logp` and `sa`, about 1 ms a molecule.

        See `molgan.chem.qed`, `molgan.chem.logp` and `molgan.chem.sa_score`.

        Raises:
            ChemistryError: If RDKit cannot read one of the SMILES; it is named.
        """
        scores: dict[str, tuple[float, float, float]] = {}
        with quiet_rdkit():
            for smiles in dict.fromkeys(self.smiles):
                mol, _ = read_smiles(smiles)
                if mol is None:
                    raise ChemistryError(f"cannot score {smiles!r}: RDKit does not read it")
                scores[smiles] = qed(mol), logp(mol), sa_score(mol)
        rows = [scores[smiles] for smiles in self.smiles]
        columns = {name: [row[i] for row in rows] for i, name in enumerate(("qed", "logp", "sa"))}
        return Library(self.frame.assign(**columns), rejected=self.rejected)

    def write_smi(self, path: str | Path) -> None:
        """Write `SMILES<space>name`, one molecule a line, atomically.

        Args:
            path: The file, usually .smi.

        Raises:
            MolganError: If the file cannot be written; it names the file.
        """
        with atomic_write(path) as file:
            file.writelines(map(smi_line, self.smiles, self.names))

    def write_csv(self, path: str | Path) -> None:
        """Write the whole table with scores, atomically; missing scores are empty fields.

        Args:
            path: The file, usually .csv.

        Raises:
            MolganError: If the file cannot be written; it names the file.
        """
        with atomic_write(path) as file:
            self.frame.to_csv(file, index=False, float_format="%.6g", lineterminator="\n")

    def write_grid(
        self, path: str | Path, legend: Sequence[str] = (), *, n: int = 24, n_cols: int = 6
    ) -> None:
        """Draw the first n molecules, the named score columns below each, to a .png file.

        Args:
            path: The .png file.
            legend: Columns whose values stand below each molecule.
            n: Molecules drawn, from the first.
            n_cols: Molecules in a row, at least 1.

        Raises:
            MolganError: If the picture cannot be written.
        """
        from molgan.library.pictures import write_grid

        write_grid(path, self.smiles[:n], self._legends(legend, n), n_cols=n_cols)

    def grid(self, legend: Sequence[str] = (), *, n: int = 24, n_cols: int = 6) -> Image:
        """The picture of `write_grid` as an object that a notebook shows.

        Args:
            legend: Columns whose values stand below each molecule.
            n: Molecules drawn, from the first.
            n_cols: Molecules in a row, at least 1.
        """
        from molgan.library.pictures import draw_grid

        return draw_grid(self.smiles[:n], self._legends(legend, n), n_cols=n_cols)

    def view(self, legend: Sequence[str] | None = None, *, n: int = 12, rows: int = 200) -> View:
        """Pictures and a sortable table as one page; see `molgan.views.library_view`.

        Args:
            legend: Columns below each picture; None takes up to two of reward, qed, sa, logp.
            n: Molecules of the grid.
            rows: Rows of the table.
        """
        from molgan.views.grids import library_view

        return library_view(self, legend, n=n, rows=rows)

    def interactive(self, below: Sequence[str] | None = None) -> InteractiveGrid:
        """A grid to search, sort and tick; see `molgan.views.InteractiveGrid`.

        Args:
            below: Columns below each picture; None: the names, and two scores.
        """
        from molgan.views.interactive import InteractiveGrid

        return InteractiveGrid(self, below)

    def histograms(self, reference: Library | Sequence[str] | None = None) -> View:
        """Scores of this library, over those of a reference; `molgan.views.property_histograms`.

        Args:
            reference: Molecules in grey behind it, such as the training set.
        """
        from molgan.views.distributions import property_histograms

        return property_histograms({"library": self}, reference)

    def legends(self, columns: Sequence[str], n: int, *, names: bool = False) -> list[str]:
        """Lines to put below pictures of the first n molecules: columns with their values.

        Args:
            columns: Of numbers.
            n: How many molecules.
            names: Whether each line begins with the name.

        Raises:
            DataError: If there is no such column.
        """
        lines = self._legends(columns, n)
        return (
            [f"{a}  {b}".rstrip() for a, b in zip(self.names, lines, strict=False)]
            if names
            else lines
        )

    def _legends(self, legend: Sequence[str], n: int) -> list[str]:
        missing = [name for name in legend if name not in self.frame.columns]
        if missing:
            there = ", ".join(map(str, self.frame.columns))
            raise DataError(f"this library has no column {missing[0]}; there are: {there}")
        return [
            "  ".join(f"{name} {value:.2f}" for name, value in zip(legend, row, strict=True))
            for row in self.frame.head(n)[list(legend)].itertuples(index=False)
        ]
