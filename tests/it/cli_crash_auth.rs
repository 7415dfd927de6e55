//! Death in the middle of signing in: what is left behind, and how it goes on.

use std::process::Child;
use std::time::Instant;

use zoho_journal::simulator::AccountsFault;

use crate::auth::{login, signed_in, signed_out, stored, tokens};
use crate::env::{Env, PATIENCE, config, exists};

/// Kills a command while its call to the accounts server is under way, or answered and not yet kept.
fn kill_in_the_call(env: &Env, mut command: Child) {
    let (before, began) = (env.zoho.account_calls().len(), Instant::now());
    while env.zoho.account_calls().len() == before && command.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    command.kill().unwrap();
    command.wait().unwrap();
}

#[test]
fn a_run_that_dies_while_it_asks_for_a_token_blocks_nobody_and_sent_nothing() {
    for fault in [AccountsFault::NeverAnswers, AccountsFault::SlowDrip] {
        let env = signed_in(config(5));
        env.record(&env.leads());
        env.zoho.set_accounts_fault(Some(fault));
        kill_in_the_call(&env, env.start(["sync", "--yes"]));
        assert_eq!((env.states().as_str(), env.sent()), ("pending 5", 0), "{fault:?}");
        env.zoho.clear_accounts();
        // The lock died with its process, and no half of a token was kept.
        env.journal(["sync", "--yes"]).exits(0);
        assert_eq!(env.states(), "done 5", "{fault:?}");
        let kept = std::fs::read_dir(tokens(&env)).unwrap().count();
        assert_eq!(kept, 2, "{fault:?}: the token and its lock, nothing half written");
        env.agrees();
    }
}

#[test]
fn a_login_that_dies_leaves_no_sign_in_and_another_code_signs_in() {
    for fault in [AccountsFault::NeverAnswers, AccountsFault::SlowDrip] {
        let env = signed_out(config(0));
        env.zoho.set_accounts_fault(Some(fault));
        let code = env.zoho.grant_code();
        kill_in_the_call(&env, env.start(["auth", "login", "--code", &code]));
        assert!(!exists(stored(&env)), "{fault:?}");
        env.zoho.clear_accounts();
        // Whether the first code is used up only Zoho knows: asked for a second time, it says so.
        let again = env.zoho.new_grant_code(None);
        env.journal(["auth", "login", "--code", &again]).exits(0);
        assert!(exists(stored(&env)), "{fault:?}");
    }
}

#[test]
fn a_logout_that_dies_can_be_made_again() {
    let env = signed_out(config(0));
    login(&env).exits(0);
    env.zoho.set_accounts_fault(Some(AccountsFault::NeverAnswers));
    kill_in_the_call(&env, env.start(["auth", "logout"]));
    assert!(exists(stored(&env)), "nothing is removed before Zoho said that it revoked it");
    env.zoho.clear_accounts();
    env.journal(["auth", "logout"]).exits(0);
    assert!(!exists(stored(&env)));
    env.journal(["auth", "status"]).exits(5);
}
