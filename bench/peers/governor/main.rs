//! peer-governor: what a check costs with the crate governor, the limiters as its
//! documentation shows them: default clock, default keyed store, keys of type String.
//! ../README.md says what is timed and how; its siblings do the same in Go and Java.

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota};
use std::num::NonZeroU32;
use std::process::exit;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const KEYS: usize = 1000;
const PASS: u64 = KEYS as u64; // checks between two looks at the clock
const WARM_UP_MS: u64 = 100;
const MILLIS_MAX: u64 = 60_000;

const HELP: &str = "Usage: peer-governor [--millis N]\n\
    Times the checks of the crate governor; one line of JSON per case.\n\
    \n  --millis N    how long per case, 1 to 60000 (300)\n";

fn die(message: &str) -> ! {
    eprintln!("peer-governor: {message}");
    exit(3);
}

/// The brokers' names in the order of the visits: a shuffle by xorshift64, the same in all
/// programs.
fn keys() -> Vec<String> {
    let mut keys: Vec<String> = (1..=KEYS)
        .map(|i| format!("b-{i}.mycluster.123z8u.c2.kafka.us-west-1.amazonaws.com:9098"))
        .collect();
    let mut x: u64 = 88172645463325252;

    for i in (1..KEYS).rev() {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        keys.swap(i, (x % (i as u64 + 1)) as usize);
    }

    keys
}

/// Each thread's round through the keys; the second thread is half a round ahead.
fn rounds(keys: &[String]) -> [Vec<&String>; 2] {
    let mut ahead: Vec<&String> = keys.iter().collect();

    ahead.rotate_left(KEYS / 2);

    [keys.iter().collect(), ahead]
}

/// The highest rate and burst of the type: one every nanosecond, 2^32 - 1 at once.
fn unbounded() -> Quota {
    Quota::per_second(NonZeroU32::MAX)
}

fn hourly() -> Quota {
    Quota::per_hour(NonZeroU32::MIN)
}

/// Runs passes until the time is over. Returns ns per check, the mean of the threads. Each
/// pass returns how many of its checks were admitted: all or none of them may be.
fn measure<F: Fn(usize) -> u64 + Sync>(
    threads: usize,
    millis: u64,
    all: bool,
    pass: F,
) -> f64 {
    let time = Duration::from_millis(millis);
    let barrier = Barrier::new(threads);
    let work = |thread: usize| {
        let mut passes: u64 = 0;
        let mut admitted: u64 = 0;

        barrier.wait();
        let from = Instant::now();
        loop {
            admitted += pass(thread);
            passes += 1;
            if from.elapsed() >= time {
                break;
            }
        }
        let ns = from.elapsed().as_nanos() as f64 / (passes * PASS) as f64;
        if admitted != if all { passes * PASS } else { 0 } {
            die(&format!(
                "{admitted} of {} checks were admitted",
                passes * PASS
            ));
        }
        ns
    };

    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads).map(|i| scope.spawn(move || work(i))).collect();
        let sum: f64 = running.into_iter().map(|t| t.join().unwrap()).sum();
        sum / threads as f64
    })
}

/// The version that is built in, from the lock file.
fn version() -> &'static str {
    include_str!("Cargo.lock")
        .split_once("name = \"governor\"\nversion = \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("unknown", |(version, _)| version)
}

fn report<F: Fn(usize) -> u64 + Sync>(
    case: &str,
    all: bool,
    threads: usize,
    millis: u64,
    pass: F,
) {
    measure(threads, WARM_UP_MS, all, &pass);
    let ns = measure(threads, millis, all, &pass);

    println!(
        "{{\"peer\":\"governor\",\"version\":\"{}\",\"language\":\"rust\",\
         \"case\":\"{case}\",\"answer\":\"{}\",\"threads\":{threads},\"ns\":{ns:.2}}}",
        version(),
        if all { "admitted" } else { "refused" }
    );
}

fn direct(all: bool, threads: usize, millis: u64) {
    let limiter =
        DefaultDirectRateLimiter::direct(if all { unbounded() } else { hourly() });

    if limiter.check().is_err() {
        die("the first check was refused");
    }

    report("direct", all, threads, millis, |_| {
        let mut admitted = 0;
        for _ in 0..PASS {
            admitted += limiter.check().is_ok() as u64;
        }
        admitted
    });
}

fn keyed(all: bool, threads: usize, millis: u64, keys: &[String]) {
    let limiter =
        DefaultKeyedRateLimiter::<String>::keyed(if all { unbounded() } else { hourly() });
    let rounds = rounds(keys);

    if keys.iter().any(|key| limiter.check_key(key).is_err()) {
        die("a first check was refused");
    }

    report("keyed", all, threads, millis, |thread| {
        let mut admitted = 0;
        for key in &rounds[thread] {
            admitted += limiter.check_key(key).is_ok() as u64;
        }
        admitted
    });
}

fn millis() -> u64 {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let millis = match words[..] {
        [] => Some(300),
        ["--help"] => {
            print!("{HELP}");
            exit(0);
        }
        ["--millis", n] => n.parse().ok().filter(|n| (1..=MILLIS_MAX).contains(n)),
        _ => None,
    };

    millis.unwrap_or_else(|| {
        eprint!("{HELP}");
        exit(2);
    })
}

fn main() {
    let millis = millis();
    let keys = keys();

    for threads in [1, 2] {
        for all in [true, false] {
            direct(all, threads, millis);
            keyed(all, threads, millis, &keys);
        }
    }
}
