// Package run converts many chats in one run. Data flows one way:
//
//	source  ──items──▶  dingtalk.ConvertEach  ──items with results, in order──▶  sink
//
// A source yields the chats of arguments, of lines, or of a file's rows (ids.go, rows.go, filerun.go). Items without a
// call pass through the same way, so the order needs no bookkeeping. A sink takes results in the source's order: a report
// on standard output (report.go) or a stream of rows (stream.go). Into a file, the source yields only chats that the
// journal does not know, the sink puts their results into it, and the output is assembled at the end (filerun.go).
//
// engine.go is the loop between them. Only the engine ends a run, in one way: it closes the stop channel, after which
// no request is sent and calls in flight finish. From the first item without a result on, results go to the sink as
// late ones: each was paid for, and none may be lost.
//
// The rest: flags.go and command.go are the flags, table.go is the input, guard.go stops a run over values that are not
// ids, plan.go estimates the cost, summary.go prints the result, again.go the command to continue.
package run
