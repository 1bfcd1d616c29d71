//! `outcrop keys usage`: who spent what.

use clap::Args;

use super::desk::Place;
use super::print_json;
use super::table::{Column, printable, table};
use crate::cli::{Failure, print};
use crate::config::Environment;
use crate::keys::{Access, Moment, Usage, UsageGroup, UsageLine, UsageQuestion, UsageReport};

/// Show what keys used: requests, tokens and US dollars.
///
/// These are the very counters that budgets are enforced by. What has no known price is not in the cost, and is counted
/// as unpriced; what had to be estimated, such as streams whose client left, is counted as estimated.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// Id or name of a key; all keys without
    #[arg(value_name = "KEY")]
    key: Option<String>,

    /// What a line is for; several with commas between
    #[arg(
        long,
        value_enum,
        value_name = "GROUP",
        value_delimiter = ',',
        default_value = "key"
    )]
    by: Vec<UsageGroup>,

    /// From which day on, in UTC: 2026-11-01, or 7d for the last seven days [default: the first of this month]
    #[arg(long, value_name = "WHEN", value_parser = Moment::parse)]
    since: Option<Moment>,

    /// Print CSV with a line of headings
    #[arg(long)]
    csv: bool,

    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    #[command(flatten)]
    place: Place,
}

/// What is counted, as CSV names it and as the table does.
const COUNTED: [(&str, &str); 9] = [
    ("requests", "REQUESTS"),
    ("calls", "CALLS"),
    ("input_tokens", "INPUT"),
    ("output_tokens", "OUTPUT"),
    ("cache_read_tokens", "CACHE READ"),
    ("cache_write_tokens", "CACHE WRITE"),
    ("cost_usd", "COST USD"),
    ("unpriced_requests", "UNPRICED"),
    ("estimated_requests", "ESTIMATED"),
];

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let question = UsageQuestion {
        key: arguments.key,
        since: arguments.since,
        by: arguments.by,
    };
    let desk = arguments.place.open(Access::Command, environment).await?;
    let report = desk.usage(&question).await?;
    if arguments.json {
        print_json(&report)
    } else if arguments.csv {
        print(&csv(&report)?)
    } else {
        print(&lines(&report))
    }
}

fn csv(report: &UsageReport) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let groups = report.by.iter().flat_map(|group| match group {
        UsageGroup::Key => &["key_id", "key_name"][..],
        UsageGroup::Model => &["model"],
        UsageGroup::Day => &["day"],
    });
    let counted = COUNTED.iter().map(|(name, _)| name);
    writer.write_record(groups.chain(counted))?;
    for line in &report.data {
        let groups = report.by.iter().flat_map(|group| named(line, *group));
        let groups = groups.map(|cell| defused(&cell));
        writer.write_record(groups.chain(counts(&line.usage)))?;
    }
    Ok(String::from_utf8_lossy(&writer.into_inner()?).into_owned())
}

/// The table, with a line for all together where there are several.
fn lines(report: &UsageReport) -> String {
    let groups = report.by.iter().flat_map(|group| match group {
        UsageGroup::Key => &[Column::Text("KEY"), Column::Text("NAME")][..],
        UsageGroup::Model => &[Column::Text("MODEL")],
        UsageGroup::Day => &[Column::Text("DAY")],
    });
    let groups: Vec<Column> = groups.copied().collect();
    let counted = COUNTED.iter().map(|(_, heading)| Column::Number(heading));
    let columns: Vec<Column> = groups.iter().copied().chain(counted).collect();
    let rows = report.data.iter().map(|line| {
        let groups = report.by.iter().flat_map(|group| named(line, *group));
        let groups = groups.map(|cell| printable(&cell).into_owned());
        groups.chain(counts(&line.usage)).collect()
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    if rows.len() > 1 {
        let mut cells = vec![String::new(); groups.len()];
        if let Some(first) = cells.first_mut() {
            "total".clone_into(first);
        }
        cells.extend(counts(&report.total));
        rows.push(cells);
    }
    table(&columns, &rows)
}

/// What a line is for.
fn named(line: &UsageLine, group: UsageGroup) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match group {
        UsageGroup::Key => {
            let id = line.key_id.map(|id| id.to_string());
            vec![id.unwrap_or_default(), text(&line.key_name)]
        }
        UsageGroup::Model => vec![text(&line.model)],
        UsageGroup::Day => vec![text(&line.day)],
    }
}

/// What was counted, in the order of the columns.
fn counts(usage: &Usage) -> [String; COUNTED.len()] {
    [
        usage.requests.to_string(),
        usage.calls.to_string(),
        usage.input_tokens.to_string(),
        usage.output_tokens.to_string(),
        usage.cache_read_tokens.to_string(),
        usage.cache_write_tokens.to_string(),
        usage.cost.to_string(),
        usage.unpriced_requests.to_string(),
        usage.estimated_requests.to_string(),
    ]
}

/// A text that no spreadsheet takes for a formula: names of keys and models come from others.
fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::Money;
    use crate::keys::{KeyId, Timestamp};

    fn report() -> UsageReport {
        let line = |name: &str, requests| UsageLine {
            key_id: KeyId::parse("k3yK3yk3yK3y"),
            key_name: Some(name.to_owned()),
            model: Some("amazon.nova-lite-v1:0".to_owned()),
            usage: Usage {
                requests,
                calls: requests + 1,
                input_tokens: 1200,
                output_tokens: 34,
                cost: Money::from_billionths(1_500_000),
                ..Usage::default()
            },
            ..UsageLine::default()
        };
        let data = vec![line("search, old", 3), line("=1+1", 10)];
        let mut total = Usage::default();
        for line in &data {
            total += line.usage;
        }
        UsageReport {
            since: Timestamp::default(),
            by: vec![UsageGroup::Key, UsageGroup::Model],
            data,
            total,
        }
    }

    #[test]
    fn the_table_ends_with_all_together() {
        let expected = "\
KEY           NAME         MODEL                  REQUESTS  CALLS  INPUT  OUTPUT  CACHE READ  CACHE WRITE  COST USD  UNPRICED  ESTIMATED
k3yK3yk3yK3y  search, old  amazon.nova-lite-v1:0         3      4   1200      34           0            0    0.0015         0          0
k3yK3yk3yK3y  =1+1         amazon.nova-lite-v1:0        10     11   1200      34           0            0    0.0015         0          0
total                                                   13     15   2400      68           0            0     0.003         0          0
";
        assert_eq!(lines(&report()), expected);
        let one = UsageReport {
            data: report().data.into_iter().take(1).collect(),
            ..report()
        };
        assert!(!lines(&one).contains("total"));
    }

    #[test]
    fn csv_can_be_read_and_holds_no_formula() {
        let expected = "\
key_id,key_name,model,requests,calls,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_usd,\
unpriced_requests,estimated_requests
k3yK3yk3yK3y,\"search, old\",amazon.nova-lite-v1:0,3,4,1200,34,0,0,0.0015,0,0
k3yK3yk3yK3y,'=1+1,amazon.nova-lite-v1:0,10,11,1200,34,0,0,0.0015,0,0
";
        assert_eq!(csv(&report()).unwrap(), expected);
    }
}
