//! Which failures the log has told of: a missing permission is no news every hour.

use super::ListFailure;

/// The failures that were told, until their lists can be had again.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<ListFailure>);

impl Told {
    /// Whether `failure` has to be told; from now on it has been.
    pub(super) fn is_news(&mut self, failure: &ListFailure) -> bool {
        let news = !self.0.iter().any(|told| told.is_like(failure));
        if news {
            self.0.push(failure.clone());
        }
        news
    }

    /// Forgets those of lists that can be had again: of all but `failures`.
    pub(super) fn forget_all_but(&mut self, failures: &[ListFailure]) {
        let fails = |told: &ListFailure| failures.iter().any(|failure| failure.is_of_list(told));
        self.0.retain(fails);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::Exception;
    use crate::upstream::Error;

    fn failure(operation: &'static str, region: &str, exception: &str) -> ListFailure {
        ListFailure {
            operation,
            region: region.to_owned(),
            error: Error::Exception {
                exception: Exception::from_answer(403, Some(exception), None, b""),
                request_id: None,
                retry_after: None,
            },
        }
    }

    /// The failures of a refresh that are told.
    fn told(told: &mut Told, failures: &[ListFailure]) -> usize {
        let news = failures.iter().filter(|failure| told.is_news(failure));
        let number = news.count();
        told.forget_all_but(failures);
        number
    }

    #[test]
    fn a_failure_is_told_once_until_the_list_can_be_had_again() {
        let denied = |region| failure("ListFoundationModels", region, "AccessDeniedException");
        let slow = failure("ListFoundationModels", "us-east-1", "ThrottlingException");
        let profiles = failure(
            "ListInferenceProfiles",
            "us-east-1",
            "AccessDeniedException",
        );
        let mut log = Told::default();
        for (failures, expected) in [
            (vec![denied("us-east-1")], 1),
            (vec![denied("us-east-1")], 0),
            (vec![denied("us-east-1"), denied("eu-west-1")], 1),
            (vec![denied("us-east-1"), profiles.clone()], 1),
            // Another reason is news, and the first is not again.
            (vec![slow], 1),
            (vec![denied("us-east-1")], 0),
            (vec![], 0),
            (vec![denied("us-east-1"), profiles], 2),
        ] {
            assert_eq!(told(&mut log, &failures), expected, "{failures:?}");
        }
    }
}
