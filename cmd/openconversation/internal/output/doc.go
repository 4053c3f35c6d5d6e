// Package output holds the file that a run writes, so that nothing which was paid for is lost and nothing of the user's
// is touched. One value says how a run begins with it:
//
//	New          the file must not exist; rows are appended to it
//	Resume       rows are appended behind the last whole one
//	RetryFailed  rows are written beside, and take the file's place at the end
//	Force        rows are written beside, and take the file's place with the first result
//
// Beside the file lies its state as long as it is not complete: what it belongs to, and what was converted and is not in
// it. Every other file beside has the run's mark in its name, which is drawn by lot and stands in the state; it is created
// anew, and nothing without the mark is ever removed or written to:
//
//	FILE.state               the state
//	FILE.state.MARK          room for the next state, so that a full disk cannot keep it from being written
//	FILE.MARK.retry          what --retry-failed writes
//	FILE.MARK.force          what --force writes before it has a result, with its own state
//	FILE.MARK.rows           the rows of a workbook or a JSON array, which cannot be appended to
//	FILE.MARK.new            such a file while it is put together
//
// Writing is by whole records: what a failed write left is cut off, and a torn last record is written again.
package output
