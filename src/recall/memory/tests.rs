use super::*;

const DAY: Duration = Duration::from_hours(24);
const ONE: Owner = Owner::Anonymous;

fn turn(call_ids: &[&str], reasoning: &str) -> Turn {
    Turn {
        call_ids: call_ids.iter().map(|id| (*id).to_owned()).collect(),
        reasoning: Bytes::copy_from_slice(reasoning.as_bytes()),
    }
}

fn find(memory: &Memory, now: Instant, owner: &Owner, call_ids: &[&str]) -> Vec<String> {
    let call_ids: Vec<String> = call_ids.iter().map(|id| (*id).to_owned()).collect();
    let found = memory.find_at(now, owner, &call_ids);
    found
        .iter()
        .map(|reasoning| String::from_utf8(reasoning.to_vec()).unwrap())
        .collect()
}

/// What an entry of one call takes.
fn length(call_id: &str, reasoning: &str) -> usize {
    Entry::new(&ONE, turn(&[call_id], reasoning), Instant::now()).length
}

#[test]
fn a_turn_is_found_once_under_any_of_its_ids_however_they_are_spelled() {
    let now = Instant::now();
    let memory = Memory::new(1_000_000, DAY);
    memory.remember_at(now, &ONE, turn(&["tooluse_Ab-1", "tooluse_Cd-2"], "both"));
    memory.remember_at(now, &ONE, turn(&["tooluse_E"], "one"));
    for ids in [
        &["tooluse_Ab-1"][..],
        &["tooluseCd2"],
        &["tooluse_Cd-2", "tooluseAb1", "missing", "---", ""],
    ] {
        assert_eq!(find(&memory, now, &ONE, ids), ["both"], "{ids:?}");
    }
    assert_eq!(
        find(&memory, now, &ONE, &["tooluseE", "tooluse_Ab-1"]),
        ["one", "both"]
    );
    assert!(find(&memory, now, &ONE, &["tooluseab1", "tooluse"]).is_empty());
}

#[test]
fn nobody_finds_anothers_turn() {
    let now = Instant::now();
    let memory = Memory::new(1_000_000, DAY);
    let (first, second) = (Owner::StaticKey([1; 32]), Owner::StaticKey([2; 32]));
    memory.remember_at(now, &first, turn(&["a"], "first"));
    memory.remember_at(now, &ONE, turn(&["a"], "anonymous"));
    let managed = |id: &str| Owner::ManagedKey(id.into());
    memory.remember_at(now, &managed("k3yK3yk3yK3y"), turn(&["a"], "managed"));
    assert!(find(&memory, now, &second, &["a"]).is_empty());
    assert!(find(&memory, now, &managed("k3yK3yk3yK3z"), &["a"]).is_empty());
    assert_eq!(
        find(&memory, now, &managed("k3yK3yk3yK3y"), &["a"]),
        ["managed"]
    );
    assert_eq!(find(&memory, now, &first, &["a"]), ["first"]);
    assert_eq!(find(&memory, now, &ONE, &["a"]), ["anonymous"]);
}

#[test]
fn a_turn_takes_the_place_of_those_that_share_an_id_with_it() {
    let now = Instant::now();
    let memory = Memory::new(1_000_000, DAY);
    memory.remember_at(now, &ONE, turn(&["a", "b"], "old"));
    memory.remember_at(now, &ONE, turn(&["c"], "old too"));
    memory.remember_at(now, &ONE, turn(&["b", "c"], "new"));
    assert!(find(&memory, now, &ONE, &["a"]).is_empty());
    assert_eq!(find(&memory, now, &ONE, &["b", "c"]), ["new"]);
    let entries = memory.entries();
    assert_eq!(entries.by_use.len(), 1);
    let rest: usize = entries.by_use.values().map(|entry| entry.length).sum();
    assert_eq!(entries.bytes, rest);
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let now = Instant::now();
    let memory = Memory::new(3 * length("a", "text"), DAY);
    for id in ["a", "b", "c"] {
        memory.remember_at(now, &ONE, turn(&[id], "text"));
    }
    assert_eq!(find(&memory, now, &ONE, &["a"]).len(), 1);
    memory.remember_at(now, &ONE, turn(&["d"], "text"));
    let is_there = |id| !find(&memory, now, &ONE, &[id]).is_empty();
    assert_eq!(
        ["a", "b", "c", "d"].map(is_there),
        [true, false, true, true]
    );
}

#[test]
fn what_does_not_fit_at_all_drives_nothing_out() {
    let now = Instant::now();
    let memory = Memory::new(length("a", "text"), DAY);
    memory.remember_at(now, &ONE, turn(&["a"], "text"));
    memory.remember_at(now, &ONE, turn(&["b"], "text that is longer"));
    assert_eq!(find(&memory, now, &ONE, &["a"]), ["text"]);
    assert!(find(&memory, now, &ONE, &["b"]).is_empty());
}

#[test]
fn a_turn_is_forgotten_some_time_after_its_last_use() {
    let begun = Instant::now();
    let memory = Memory::new(1_000_000, DAY);
    memory.remember_at(begun, &ONE, turn(&["a"], "used"));
    memory.remember_at(begun, &ONE, turn(&["b"], "idle"));
    let almost = begun + Duration::from_millis(86_399_999);
    assert_eq!(find(&memory, almost, &ONE, &["a"]), ["used"]);
    assert!(find(&memory, begun + DAY, &ONE, &["b"]).is_empty());
    assert_eq!(find(&memory, begun + DAY, &ONE, &["a"]), ["used"]);
    assert!(find(&memory, begun + 3 * DAY, &ONE, &["a"]).is_empty());
    assert_eq!(memory.entries().bytes, 0);
    assert!(memory.entries().places.is_empty());
}

#[test]
fn nothing_is_kept_beside_what_is_counted() {
    let now = Instant::now();
    let memory = Memory::new(1_000_000, DAY);
    let mut reasoning = Vec::with_capacity(1000);
    reasoning.extend_from_slice(b"text");
    let turn = Turn {
        call_ids: vec!["a".to_owned()],
        reasoning: reasoning.into(),
    };
    memory.remember_at(now, &ONE, turn);
    let mut found = memory.find_at(now, &ONE, &["a".to_owned()]);
    drop(memory);
    let kept = found.remove(0).try_into_mut().unwrap();
    assert_eq!(kept.capacity(), 4);
}

#[test]
fn zero_bytes_or_seconds_remember_nothing() {
    let now = Instant::now();
    for memory in [Memory::new(0, DAY), Memory::new(1_000_000, Duration::ZERO)] {
        memory.remember_at(now, &ONE, turn(&["a"], "text"));
        assert!(find(&memory, now, &ONE, &["a"]).is_empty());
        assert_eq!(memory.entries().bytes, 0);
    }
}

#[test]
fn nothing_of_it_is_shown() {
    let memory = Memory::new(1_000_000, DAY);
    let owner = Owner::StaticKey([7; 32]);
    memory.remember_at(Instant::now(), &owner, turn(&["marker"], "marker"));
    let shown = format!("{memory:?} {owner:?}");
    assert!(!shown.contains("marker") && !shown.contains('7'), "{shown}");
}
