// Package run converts many chats in one run. Data flows one way:
//
//	source  ──items──▶  dingtalk.ConvertEach  ──items with results, in order──▶  sink
//
// A source gives the chats of arguments, of lines, or of the rows of a file (ids.go, table.go). An item that needs no
// call, because it is no id or was converted before, travels along, so that nothing has to be kept in step. A sink takes
// results in the order of the source: a report on standard output (report.go), a stream of rows (stream.go), or a file
// that can be continued (filesink.go), which decides by its mode whether rows are appended or replace it.
//
// engine.go is the loop between them. It alone decides when a run ends, and it ends a run by one means: the stop
// channel, after which nothing more is sent and what is under way comes in. From the first item that gets no result for
// that reason, results go to the sink as late ones: each was paid for, and none may be lost.
//
// The rest: flags.go and command.go say how a run was asked for, guard.go what nonsense ends it, plan.go what it would
// cost, summary.go what it came to, again.go how to go on.
package run
