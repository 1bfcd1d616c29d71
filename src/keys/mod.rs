//! Managed keys: who may ask for what, within which limits, and what each has used.

mod access;
mod administration;
mod api_key;
mod bucket;
mod demand;
mod following;
mod key;
mod key_store;
mod known_keys;
mod meter;
mod meters;
mod model_pattern;
mod outage;
mod period;
mod redis_store;
mod registry;
mod reservation;
mod reservation_ids;
mod spending;
mod sqlite_store;
mod timestamp;
mod usage;

pub use access::{Access, open};
pub use administration::{
    Administration, AdministrationError, BudgetChange, Change, IssuedKey, KeyChange, KeyDraft,
    KeyList, KeyMistake, KeyMistakes, KeyStatus, KeyView, Moment, Rotation, Spending, UsageGroup,
    UsageLine, UsageQuestion, UsageReport, parse_time,
};
pub use api_key::{ApiKey, KeyId, MalformedKey};
pub use demand::{
    Demand, FEWEST_TOKENS, Grant, RateLimit, RateLimits, Refusal, ReservationId, Settlement, Spent,
};
pub use key::{Budget, Key, KeyKind, KeyLimits, KeySecret};
pub use key_store::{Changes, KeyStore, Pending, StoreError};
pub use known_keys::{KnownKeys, Unauthenticated};
pub use meter::Meter;
pub use meters::Meters;
pub use model_pattern::ModelPattern;
pub use period::Period;
pub use redis_store::{Clock, RedisStore};
pub use registry::{Keys, StoreState};
pub use reservation::Reservation;
pub use reservation_ids::ReservationIds;
pub use sqlite_store::SqliteStore;
pub use timestamp::Timestamp;
pub use usage::{Usage, UsageQuery, UsageRow};
