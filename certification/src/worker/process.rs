//! The certifier's end of its second process: starts it, tells it what to do, kills it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cofferdam::Grant;

use super::orders::{Answer, Order, PlainGrant};
use crate::verdict::{Stop, Verdict, failed};

/// A second host process, mounted. Killed when it is dropped.
pub(crate) struct Worker {
    child: Child,
    pipes: Option<Pipes>,
}

struct Pipes {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts `command` and has it mount its driver with `grant`.
    pub(crate) async fn start(command: &[OsString], grant: &Grant) -> Verdict<Self> {
        let Some((program, arguments)) = command.split_first() else { return failed("the worker command is empty") };
        let mut child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let pipes = orders.zip(answers).map(|(orders, answers)| Pipes { orders, answers });
        let mut worker = Self { child, pipes };
        worker.tell(Order::Open(PlainGrant::from(grant))).await?;
        Ok(worker)
    }

    /// Has it do something, which must succeed; answers what it says.
    pub(crate) async fn tell(&mut self, order: Order) -> Verdict<String> {
        let Some(mut pipes) = self.pipes.take() else { return failed("the worker process is gone") };
        let shown = format!("{order:?}");
        let asked = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
            let mut line = serde_json::to_string(&order)?;
            line.push('\n');
            pipes.orders.write_all(line.as_bytes())?;
            pipes.orders.flush()?;
            let mut line = String::new();
            pipes.answers.read_line(&mut line)?;
            let answer = serde_json::from_str(&line).map_err(|_| std::io::Error::other(format!("the worker process answered {line:?}")))?;
            Ok((pipes, answer))
        });
        let (pipes, answer) = asked.await??;
        self.pipes = Some(pipes);
        match answer {
            Answer::Done(said) => Ok(said),
            Answer::Refused { kind, message } => {
                let order: String = shown.chars().take(200).collect();
                Err(Stop::Failed(format!("in a second host process, {order} gave `{kind}`: {message}")))
            }
        }
    }

    /// Kills it with SIGKILL, at once.
    pub(crate) fn kill(mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself; it is reaped either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
