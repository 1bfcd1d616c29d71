//! The table of models: one line for each, so that it can be searched; on a terminal two where one would be too long.

use std::borrow::Cow;
use std::iter;

use crate::openai::model::{Cost, Model};

/// The columns of a terminal that a table fits into.
const TERMINAL_WIDTH: usize = 80;
const GAP: &str = "  ";
/// The columns beside the ids.
const HEADINGS: [&str; 6] = ["WINDOW", "MAX", "INPUT", "REASONING", "USD IN/OUT", "OWNER"];
/// The first columns are numbers, which stand at the right.
const NUMBERS: usize = 2;

/// What the headings say of one model.
type Cells = [Cow<'static, str>; HEADINGS.len()];

/// How a table is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Always one line for each model.
    Lines,
    /// Ids and notes above what is known of them, where lines would be longer than a terminal's.
    Terminal,
}

impl Layout {
    /// The layout for a reader.
    pub fn of(is_terminal: bool) -> Self {
        if is_terminal {
            Self::Terminal
        } else {
            Self::Lines
        }
    }
}

/// The table of `models`, under a line of headings.
pub fn table(models: &[Model], layout: Layout) -> String {
    let ids = models.iter().map(|model| printable(&model.id));
    let names: Vec<_> = iter::once(Cow::Borrowed("MODEL")).chain(ids).collect();
    let notes: Vec<_> = iter::once("NOTE".to_owned())
        .chain(models.iter().map(note))
        .collect();
    let rows = models.iter().map(cells);
    let rows: Vec<Cells> = iter::once(HEADINGS.map(Cow::Borrowed))
        .chain(rows)
        .collect();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| widest(rows.iter().filter_map(|row| row.get(column))))
        .collect();
    let id_width = widest(&names);
    let lines = names.iter().zip(&rows).zip(&notes);
    let lines: Vec<(String, String)> = lines
        .map(|((name, row), note)| {
            let facts = facts(row, &widths);
            let line = format!("{name:id_width$}{GAP}{facts}{GAP}{note}");
            let above = format!("{name}{GAP}{note}");
            let two_lines = format!("{}\n{GAP}{}", above.trim_end(), facts.trim_end());
            (line.trim_end().to_owned(), two_lines)
        })
        .collect();
    let fits = lines.iter().all(|(line, _)| width(line) <= TERMINAL_WIDTH);
    let mut table = String::new();
    for (line, two_lines) in lines {
        let one = layout == Layout::Lines || fits;
        table.extend([if one { line } else { two_lines }, "\n".to_owned()]);
    }
    table
}

/// What is known of a model, in the order of the headings.
fn cells(model: &Model) -> Cells {
    let number = |value: Option<u32>| match value {
        Some(value) => Cow::Owned(value.to_string()),
        None => Cow::Borrowed("-"),
    };
    let cost = match model.cost {
        Some(Cost { input, output, .. }) => Cow::Owned(format!("{input}/{output}")),
        None => Cow::Borrowed("-"),
    };
    [
        number(model.context_window),
        number(model.max_tokens),
        Cow::Owned(model.input_modalities.join(",")),
        Cow::Borrowed(if model.reasoning { "yes" } else { "no" }),
        cost,
        Cow::Owned(printable(&model.owned_by).into_owned()),
    ]
}

/// What is out of the ordinary.
fn note(model: &Model) -> String {
    let embeddings = model.output_modalities.contains(&"embeddings");
    let ends = model.shutdown_date.as_deref();
    let notes = [
        embeddings.then(|| "embeddings".to_owned()),
        model.deprecated.then(|| "legacy".to_owned()),
        ends.map(|day| format!("ends {}", printable(day))),
    ];
    notes.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn facts(cells: &Cells, widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate();
    let padded = cells.map(|(column, (cell, width))| {
        if column < NUMBERS {
            format!("{cell:>width$}")
        } else {
            format!("{cell:width$}")
        }
    });
    padded.collect::<Vec<_>>().join(GAP)
}

fn widest<'a>(texts: impl IntoIterator<Item = &'a Cow<'a, str>>) -> usize {
    texts.into_iter().map(|text| width(text)).max().unwrap_or(0)
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text from elsewhere, without what a terminal would obey.
fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.escape_debug().to_string())
    } else {
        Cow::Borrowed(text)
    }
}
