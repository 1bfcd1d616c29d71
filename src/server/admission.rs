//! Admission: what a request wants of its key's limits is reserved just before Bedrock is called.

use std::iter;

use super::bill::Bill;
use super::caller::Caller;
use super::client_request::ClientRequest;
use super::exchange::Exchange;
use super::gateway::Gateway;
use super::limits::{refused, standing};
use super::permitted::dearest;
use super::translation::{Call, Translator};
use crate::error::Error;
use crate::keys::{Demand, Key, Reservation};
use crate::openai::ChatCompletionRequest;
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
        let are_tokens_counted = key.limits.tpm.is_some() || key.limits.budget.is_some();
        request.reserved = granted.filter(|_| are_tokens_counted);
        // What nobody bounds could cost more than is reserved.
        let is_open = key.limits.budget.is_some() && !call.is_bounded;
        if let Some(limit) = granted.filter(|granted| is_open || *granted < demand.output_tokens) {
            *call = self.translator().within(limit, request).await?;
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

impl Translator {
    /// Translates a request that may have been admitted by now, for answers no longer than was reserved: another model,
    /// or the same without a feature, may write more.
    ///
    /// # Errors
    /// When the request cannot be had.
    pub(super) async fn translate_within(
        &self,
        request: &mut ClientRequest,
        parsed: ChatCompletionRequest<'_>,
    ) -> Result<Call, Error> {
        let call = self.translate(request, parsed).await?;
        match request.reserved {
            Some(reserved) if reserved < call.output_tokens => self.within(reserved, request).await,
            _ => Ok(call),
        }
    }

    /// The call of the same request with an answer of at most so many tokens.
    ///
    /// # Errors
    /// When the request cannot be had so.
    async fn within(&self, output_tokens: u32, request: &mut ClientRequest) -> Result<Call, Error> {
        request.affordable = Some(output_tokens);
        let json = request.json.clone();
        let parsed = self.parse(&json).await?;
        self.translate(request, parsed).await
    }
}
