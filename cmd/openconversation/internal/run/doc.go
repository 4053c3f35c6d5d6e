// Package run converts many chats in one run. Data flows one way:
//
//	source  ──items──▶  dingtalk.ConvertEach  ──items with results, in order──▶  sink
//
// A source yields the chats of arguments, of lines, or of a file's rows (ids.go, table.go). Items without a call (not
// an id, or converted before) pass through the same way, so the order needs no bookkeeping. A sink takes results in the
// source's order: a report on standard output (report.go), a stream of rows (stream.go), or a file that can be
// continued (filesink.go), whose mode decides whether rows are appended or replace it.
//
// engine.go is the loop between them. Only the engine ends a run, in one way: it closes the stop channel, after which
// no request is sent and calls in flight finish. From the first item without a result on, results go to the sink as
// late ones: each was paid for, and none may be lost.
//
// The rest: flags.go and command.go are the flags, guard.go stops a run over values that are not ids, plan.go estimates
// the cost, summary.go prints the result, again.go the command to continue.
package run
