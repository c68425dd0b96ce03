//! The command: plays people as told, prints what came of it, and fails if there were faults.

use std::process::ExitCode;

use clap::Parser;
use loadgen::clip::Clip;
use loadgen::crowd::Crowd;
use loadgen::media::Common;
use loadgen::options::{Options, Route};
use loadgen::report::Report;
use loadgen::stage::Stage;
use loadgen::tally::Tally;
use loadgen::udp::Outbox;
use loadgen::{bypass, clock};

fn main() -> ExitCode {
    // A worker that is gone would leave the others waiting.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::abort();
    }));
    let options = Options::parse();
    match play(&options) {
        Ok(report) => {
            if options.json {
                println!("{}", serde_json::json!({ "report": report }));
            } else {
                println!("{report}");
            }
            if report.is_faultless() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(sentence) => {
            eprintln!("loadgen: {sentence}");
            ExitCode::from(2)
        }
    }
}

fn play(options: &Options) -> Result<Report, String> {
    let clip = match &options.vp8 {
        Some(path) => Clip::load(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Clip::synthetic(options.video_kbps, options.fps, options.packet_bytes.into()),
    };
    fastrand::seed(options.seed);
    let mut common = Common {
        clip,
        audio_bytes: options.audio_bytes.into(),
        is_foreign: options.foreign,
        loss: options.loss,
        tally: Tally::default(),
        outbox: if options.segments { Outbox::segmenting() } else { Outbox::default() },
    };
    let people = match options.route {
        Route::Relay => Vec::new(),
        _ => bypass::people(options, &mut common).map_err(|error| error.to_string())?,
    };
    let mut crowd = Crowd::new(options.clone(), common, people)?;
    let (mut cpu_before, mut cpu) = (0, 0);
    let announce = |stage: Stage, tally: &Tally| {
        match stage {
            Stage::Measuring { .. } => cpu_before = clock::thread_cpu(),
            Stage::Draining { .. } => cpu += clock::thread_cpu() - cpu_before,
            _ => {}
        }
        if options.json {
            println!("{}", serde_json::json!({ "phase": stage.name(), "received": tally.received }));
        }
    };
    crowd.run(announce).map_err(|error| error.to_string())?;
    Ok(Report::new(options, &crowd.common.tally, cpu))
}
