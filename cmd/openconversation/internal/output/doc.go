// Package output manages a run's output file: no paid result gets lost, and no file of the user is touched. The mode
// says how a run begins:
//
//	New          the file must not exist; rows are appended to it
//	Resume       rows are appended after the last whole one
//	RetryFailed  rows go to a side file, which replaces the file at the end
//	Force        rows go to a side file, which replaces the file at the first result
//
// An incomplete output has a state file: its identity, and conversions that are not yet in the output. Every other side
// file has the run's mark in its name, a random number kept in the state. The run creates these files itself, and never
// removes or changes a file without the mark:
//
//	FILE.state               the state
//	FILE.state.MARK          space reserved for the next state, in case the disk is full
//	FILE.MARK.retry          rows of --retry-failed
//	FILE.MARK.force          rows of --force before its first result, with their own state
//	FILE.MARK.rows           rows of a workbook or JSON array, which cannot be appended to
//	FILE.MARK.new            such an output while it is assembled
//
// Records are written whole: the remains of a failed write are cut off, and an incomplete last record is written again.
package output
