//! Many masters die at once: `cargo run --release -p picket-sim --example scale SENTINELS MASTERS [SEEDS]`.
use picket_sansio::Millis;
use picket_sim::scale::{Fate, Plan};

fn main() {
    let args: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let mut plan = Plan::new(args[0], args[1]);
    if let Ok(us) = std::env::var("FSYNC") { let us: u32 = us.parse().unwrap(); plan.fsync = picket_sim::Latency { from_us: us.into(), to_us: (us * 5).into() }; }
    for seed in 1..=args.get(2).copied().unwrap_or(1) as u64 {
        let began = std::time::Instant::now();
        let outcome = plan.run(seed, |p| if std::env::var("V").is_ok() { eprintln!("{p:?} {:?}", began.elapsed()) });
        let outcome = match outcome { Ok(o) => o, Err(e) => { println!("seed {seed}: {e}"); continue } };
        let show = |what: &str, of: fn(&Fate) -> Option<Millis>| {
            let s = outcome.spans(of);
            if s.is_empty() { return }
            print!(" {what} {}/{}/{}", s[s.len() / 2].0, s[s.len() * 99 / 100].0, s[s.len() - 1].0);
        };
        print!("seed {seed}: first {}/{} switched {} cand {} |", outcome.first_elections(), outcome.fates.len(), outcome.switched(), outcome.fates.iter().map(|f| f.candidacies).sum::<u32>());
        show("sdown", |f| f.subjectively_down);
        show("odown", |f| f.objectively_down);
        show("stood", |f| f.stood);
        show("elected", |f| f.elected);
        show("switched", |f| f.switched);
        show("all", |f| f.known_to_all);
        println!(" | {} steps {:?}", outcome.steps, began.elapsed());
    }
}
