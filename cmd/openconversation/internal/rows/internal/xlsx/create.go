package xlsx

import (
	"archive/zip"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// Cut cuts a text to the capacity of a cell.
func Cut(text string) string {
	if len(text) <= MaxText {
		return text
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units > MaxText {
			return text[:i]
		}
	}
	return text
}

// Writer makes a new workbook with one sheet of text cells.
type Writer struct {
	file   *excelize.File
	stream *excelize.StreamWriter
	rows   int
	cells  []any
}

// New starts a workbook.
func New() (*Writer, error) {
	w := &Writer{file: excelize.NewFile()}
	var err error
	w.stream, err = w.file.NewStreamWriter("Sheet1")
	return w, err
}

// Write writes a row, and cuts texts to the capacity of a cell.
func (w *Writer) Write(cells []string) error {
	if w.rows++; w.rows > MaxRows {
		return fault("a sheet holds %d rows", MaxRows)
	}
	w.cells = w.cells[:0]
	for _, cell := range cells {
		if cell == "" {
			w.cells = append(w.cells, nil)
		} else {
			w.cells = append(w.cells, cell)
		}
	}
	return w.stream.SetRow(fmt.Sprintf("A%d", w.rows), w.cells)
}

// WriteTo finishes the workbook and writes it.
func (w *Writer) WriteTo(out io.Writer) (int64, error) {
	if err := w.stream.Flush(); err != nil {
		return 0, err
	}
	w.file.ZipWriter = func(io.Writer) excelize.ZipWriter { return zip.NewWriter(out) } // the file's own would keep the workbook in memory
	return w.file.WriteTo(io.Discard)
}

// Close removes the workbook's temporary files.
func (w *Writer) Close() error { return w.file.Close() }
