//! The memory of one process: bounded in bytes and time, and what was used last stays longest.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Found, Owner, Recall, Turn, alphanumerics};

/// What an entry takes beside its bytes, and what each of its keys takes beside the id, both where it is looked up
/// and in the entry: a rough measure of the worst case, when the map of the keys has just grown.
const OVERHEAD: usize = 288;

/// Turns remembered in this process.
pub struct Memory {
    max_bytes: usize,
    ttl: Duration,
    entries: Mutex<Entries>,
}

impl Memory {
    /// A memory of at most `max_bytes`, in which a turn stays for `ttl` after it was last used. With zero of
    /// either nothing is remembered.
    pub fn new(max_bytes: usize, ttl: Duration) -> Self {
        Self {
            max_bytes,
            ttl,
            entries: Mutex::default(),
        }
    }

    fn remember_at(&self, now: Instant, owner: &Owner, turn: Turn) {
        let entry = Entry::new(owner, turn, now);
        let mut entries = self.entries();
        entries.expire(now, self.ttl);
        if entry.keys.is_empty() || entry.length > self.max_bytes || self.ttl.is_zero() {
            return;
        }
        for key in &entry.keys {
            if let Some(number) = entries.places.get(key).copied() {
                entries.remove(number);
            }
        }
        entries.insert(entry);
        while entries.bytes > self.max_bytes && entries.remove_oldest() {}
    }

    fn find_at(&self, now: Instant, owner: &Owner, call_ids: &[String]) -> Vec<Bytes> {
        let mut entries = self.entries();
        entries.expire(now, self.ttl);
        // What is used from here on has a number that was not given yet.
        let first_fresh = entries.next;
        let mut found = Vec::new();
        for id in call_ids {
            let place = entries.places.get(&(owner.clone(), alphanumerics(id)));
            let stale = place.copied().filter(|number| *number < first_fresh);
            if let Some(mut entry) = stale.and_then(|number| entries.remove(number)) {
                entry.used = now;
                found.push(entry.reasoning.clone());
                entries.insert(entry);
            }
        }
        found
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing that is done under the lock can panic half-way.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recall for Memory {
    fn remember(&self, owner: &Owner, turn: Turn) {
        self.remember_at(Instant::now(), owner, turn);
    }

    fn find<'r>(&'r self, owner: &'r Owner, call_ids: &'r [String]) -> Found<'r> {
        Box::pin(ready(self.find_at(Instant::now(), owner, call_ids)))
    }
}

impl fmt::Debug for Memory {
    /// Leaves out what is remembered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("max_bytes", &self.max_bytes)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// Whose turn, and one of its calls.
type Key = (Owner, String);

struct Entry {
    keys: Vec<Key>,
    reasoning: Bytes,
    length: usize,
    used: Instant,
}

impl Entry {
    fn new(owner: &Owner, turn: Turn, now: Instant) -> Self {
        let Turn {
            call_ids,
            reasoning,
        } = turn;
        let mut ids: Vec<String> = call_ids.iter().map(|id| alphanumerics(id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !id.is_empty());
        let keys: Vec<Key> = ids.into_iter().map(|id| (owner.clone(), id)).collect();
        let keys_length: usize = keys.iter().map(|(_, id)| OVERHEAD + 2 * id.len()).sum();
        Self {
            length: OVERHEAD + reasoning.len() + keys_length,
            keys,
            // A copy: what it came in may be a part of something larger, which it would keep alive.
            reasoning: Bytes::copy_from_slice(&reasoning),
            used: now,
        }
    }
}

/// All entries, numbered anew with each use, so that the first is the one that was not used for longest.
#[derive(Default)]
struct Entries {
    by_use: BTreeMap<u64, Entry>,
    places: HashMap<Key, u64>,
    bytes: usize,
    next: u64,
}

impl Entries {
    fn insert(&mut self, entry: Entry) {
        let number = self.next;
        self.next += 1;
        self.bytes += entry.length;
        for key in &entry.keys {
            self.places.insert(key.clone(), number);
        }
        self.by_use.insert(number, entry);
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.by_use.remove(&number)?;
        self.bytes -= entry.length;
        for key in &entry.keys {
            self.places.remove(key);
        }
        Some(entry)
    }

    /// Removes what was not used for longest, and says whether there was something.
    fn remove_oldest(&mut self) -> bool {
        let oldest = self.by_use.keys().next().copied();
        oldest.and_then(|number| self.remove(number)).is_some()
    }

    fn expire(&mut self, now: Instant, ttl: Duration) {
        while let Some((_, oldest)) = self.by_use.first_key_value() {
            if now.saturating_duration_since(oldest.used) < ttl {
                return;
            }
            self.remove_oldest();
        }
    }
}

#[cfg(test)]
mod tests;
