//! Plain tables: a line of headings, a line for each row, two blanks between the columns.

use std::borrow::Cow;

use crate::keys::Timestamp;

const GAP: &str = "  ";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// It stands at the left.
    Text(&'static str),
    /// It stands at the right.
    Number(&'static str),
}

impl Column {
    fn heading(self) -> &'static str {
        let (Self::Text(heading) | Self::Number(heading)) = self;
        heading
    }
}

/// The table of `rows`, whose cells are in the order of the columns.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let headings = columns.iter().map(|column| column.heading().to_owned());
    let headings: Vec<String> = headings.collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&headings).chain(rows).collect();
    let width = |index: usize| {
        let cells = lines.iter().filter_map(|line| line.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(columns).zip(&widths);
        let cells: Vec<String> = cells
            .map(|((cell, column), width)| match column {
                Column::Text(_) => format!("{cell:width$}"),
                Column::Number(_) => format!("{cell:>width$}"),
            })
            .collect();
        text.push_str(cells.join(GAP).trim_end());
        text.push('\n');
    }
    text
}

/// A moment to the second, as people read it.
pub(super) fn when(moment: Timestamp) -> String {
    let whole = moment.millis() / 1000 * 1000;
    Timestamp::from_millis(whole).to_string()
}

/// A text from elsewhere, without what a terminal would obey.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.escape_debug().to_string())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_no_line_ends_in_blanks() {
        let columns = [
            Column::Text("NAME"),
            Column::Number("RPM"),
            Column::Text("END"),
        ];
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["search", "6", ""]), row(["ü", "60000", "never"])];
        assert_eq!(
            table(&columns, &rows),
            "NAME      RPM  END\nsearch      6\nü       60000  never\n"
        );
        assert_eq!(printable("a\u{1b}[2J"), r"a\u{1b}[2J");
    }
}
