//! Signing in: an access token before it is needed, and another one once Zoho refused it.

use std::time::Duration;

use crate::clock::Clock;
use crate::domain::answer::SignInError;
use crate::reconcile::options::Stop;
use crate::reconcile::shared::Shared;
use crate::reconcile::state::Setback;
use crate::zoho::Zoho;
use crate::zoho::token::TokenNumber;

/// How often the accounts server is asked that gives no usable answer.
const SIGN_IN_TRIES: u32 = 4;

/// How many tokens may be refused within so long.
const REFUSALS_AT_MOST: usize = 3;
const REFUSALS_COUNT_FOR: Duration = Duration::from_mins(10);

impl<Z: Zoho, C: Clock> Shared<Z, C> {
    /// Sees to it that there is a token, other than the `refused` one. `false` stops the run.
    pub(crate) async fn sign_in(&self, refused: Option<TokenNumber>) -> bool {
        let mut tries = 0;
        loop {
            let error = match self.zoho.sign_in(refused).await {
                Ok(()) => return true,
                Err(error) => error,
            };
            tries += 1;
            match error {
                SignInError::Throttled { until } => self.no_tokens(until),
                SignInError::Unreachable(why) if tries < SIGN_IN_TRIES => {
                    self.back_off(None, Setback::Unreachable(why));
                }
                SignInError::Unreachable(why) => {
                    self.stop(Stop::Unreachable(format!("signing in: {why}")));
                    return false;
                }
                SignInError::Fixed => {
                    let (code, message) = self.state().refusal.clone();
                    self.not_signed_in(code, message);
                    return false;
                }
                SignInError::NotSignedIn { code, message } => {
                    self.not_signed_in(code, message);
                    return false;
                }
            }
            if !self.wait_for_turn().await || self.is_stopping() {
                return false;
            }
        }
    }

    /// Zoho refused the token that a call carried: another one, unless several were refused within minutes. Zoho
    /// gives ten in ten minutes, to all programs of a sign-in together. `false` stops the run.
    pub(crate) async fn renew(
        &self,
        refused: Option<TokenNumber>,
        code: &str,
        message: &str,
    ) -> bool {
        let now = self.clock.elapsed();
        let hopeless = {
            let mut state = self.state();
            // Calls that left with a token that was refused already prove nothing more.
            if refused > state.refused_token {
                state.refused_token = refused;
                state.refusals.push_back(now);
            }
            while state.refusals.front().is_some_and(|at| *at + REFUSALS_COUNT_FOR <= now) {
                state.refusals.pop_front();
            }
            state.refusal = (code.to_owned(), message.to_owned());
            state.refusals.len() > REFUSALS_AT_MOST
        };
        if hopeless {
            self.not_signed_in(code.to_owned(), message.to_owned());
            return false;
        }
        self.sign_in(refused).await
    }

    fn not_signed_in(&self, code: String, message: String) {
        self.stop(Stop::NotSignedIn { code, message });
    }
}
