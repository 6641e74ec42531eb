//! Columns, as kubectl prints them: a header in capitals, three spaces between columns, nothing at line ends.

use super::paint::Paint;

/// What a cell means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to say.
    Plain,
    /// Needs no attention.
    Good,
    /// To look at.
    Odd,
    /// Wrong.
    Bad,
}

/// Text with a tone.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Text with a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// Rows under a header.
#[derive(Debug, Clone, Default)]
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(header: impl IntoIterator<Item = &'static str>) -> Self {
        Self { header: header.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells at its end are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines, each with its newline. A table without rows is empty.
    pub fn render(&self, paint: Paint) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut widths: Vec<usize> = self.header.iter().map(|title| title.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let mut out = String::new();
        let header: Vec<Cell> = self.header.iter().map(|title| Cell::from(*title)).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            line(&mut out, row, &widths, paint);
        }
        out
    }
}

fn line(out: &mut String, row: &[Cell], widths: &[usize], paint: Paint) {
    let last = row.iter().rposition(|cell| !cell.text.is_empty());
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        if last.is_none_or(|last| index > last) {
            break;
        }
        out.push_str(&match cell.tone {
            Tone::Plain => cell.text.clone(),
            Tone::Good => paint.good(&cell.text),
            Tone::Odd => paint.odd(&cell.text),
            Tone::Bad => paint.bad(&cell.text),
        });
        if last != Some(index) {
            let pad = width - cell.text.chars().count() + 3;
            out.extend(std::iter::repeat_n(' ', pad));
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(["NAME", "STATUS", "NOTE"]);
        table.row(["a".into(), Cell::new("Completed", Tone::Good), "".into()]);
        table.row(["a-long-name".into(), Cell::new("Failed", Tone::Bad), "why".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_lines_end_without_spaces() {
        assert_eq!(
            sample().render(Paint(false)),
            "NAME          STATUS      NOTE\na             Completed\na-long-name   Failed      why\n"
        );
    }

    #[test]
    fn colour_does_not_move_columns() {
        let painted = sample().render(Paint(true));
        assert!(painted.contains("\u{1b}[32mCompleted\u{1b}[0m\n"), "{painted:?}");
        assert!(painted.contains("Failed\u{1b}[0m      why"), "{painted:?}");
    }

    #[test]
    fn a_table_without_rows_prints_nothing() {
        assert_eq!(Table::new(["NAME"]).render(Paint(false)), "");
    }
}
