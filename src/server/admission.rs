//! Admission: what a request wants of its key's limits is reserved just before Bedrock is called.

use std::iter;

use super::bill::Bill;
use super::caller::Caller;
use super::client_request::ClientRequest;
use super::exchange::Exchange;
use super::gateway::Gateway;
use super::limits::{refused, standing};
use super::permitted::dearest;
use super::translation::Call;
use crate::error::Error;
use crate::keys::{Demand, Key, Reservation};
use crate::translate::Billing;

impl Gateway {
    /// Admits a request for chat completions, and begins its bill. Where little of a budget is left, the request is
    /// translated again for answers as long as that allows.
    ///
    /// # Errors
    /// When a limit of the key is reached.
    pub(super) async fn admit_chat(
        &self,
        request: &mut ClientRequest,
        call: &mut Call,
        exchange: &mut Exchange,
    ) -> Result<Bill, Error> {
        let caller = request.sources.caller.clone();
        let Some(key) = caller.key() else {
            return Ok(exchange.begin_bill(None));
        };
        let demand = self.demand(key, request, call).await;
        let reservation = self.reserve(&caller, &demand, exchange).await?;
        let granted = reservation
            .as_ref()
            .map(|reservation| reservation.grant().output_tokens);
        // Another target may write more, if it is let.
        request.reserved = granted.filter(|_| key.limits.budget.is_some());
        if let Some(fewer) = granted.filter(|granted| *granted < demand.output_tokens) {
            *call = self.translator().within(fewer, request).await?;
        }
        Ok(exchange.begin_bill(reservation))
    }

    /// Reserves what a request wants, for callers with managed keys.
    ///
    /// # Errors
    /// When a limit of the key is reached.
    pub(super) async fn reserve(
        &self,
        caller: &Caller,
        demand: &Demand,
        exchange: &mut Exchange,
    ) -> Result<Option<Reservation>, Error> {
        let Some(key) = caller.key() else {
            return Ok(None);
        };
        match self.callers().keys().reserve(key, demand).await {
            Ok(reservation) => {
                exchange.rate_limits = Some(reservation.grant().rate_limits);
                Ok(Some(reservation))
            }
            Err(refusal) => {
                exchange.rate_limits = standing(&refusal);
                Err(refused(&refusal, &exchange.model))
            }
        }
    }

    /// What a request wants: its prompt and the longest answer, for each of its choices.
    async fn demand(&self, key: &Key, request: &ClientRequest, call: &Call) -> Demand {
        let choices = call.answer.choices.max(1);
        // Only a budget has to hold wherever the request may be called in the end.
        let others = request
            .others
            .iter()
            .filter(|_| key.limits.budget.is_some());
        let targets = iter::once(&request.target).chain(others);
        let Billing {
            input_tokens,
            terms,
            ..
        } = call.answer.billing;
        Demand {
            model: request.target.model_id.clone(),
            input_tokens: input_tokens.saturating_mul(choices.into()),
            output_tokens: call.output_tokens,
            choices,
            rates: dearest(self.models(), targets, input_tokens, terms).await,
        }
    }
}
