package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"
)

// TestScripts runs the tables of files in testdata/script: arguments, files, and what comes out.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			name := "openconversation"
			if runtime.GOOS == "windows" {
				name += ".exe"
			}
			bin := filepath.Join(env.WorkDir, "bin")
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("LANG", "C")
			return errors.Join(os.Mkdir(bin, 0o755), os.Symlink(binary, filepath.Join(bin, name)))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"bytes": func(ts *testscript.TestScript, _ bool, args []string) { // bytes FILE TEXT: a file of escapes, such as \x1a
				text, err := strconv.Unquote(`"` + strings.ReplaceAll(args[1], `"`, `\"`) + `"`)
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
			},
			"repeat": func(ts *testscript.TestScript, _ bool, args []string) { // repeat FILE COUNT TEXT: appends a text so often
				count, err := strconv.Atoi(args[1])
				ts.Check(err)
				old, _ := os.ReadFile(ts.MkAbs(args[0])) // or there is none
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(old, strings.Repeat(args[2], count)...), 0o600))
			},
			"book":   bookOf,
			"folder": folderIn,
			"cells":  cellsOf,
		},
	})
}

// bookOf makes a workbook of CSV files: book OUT SHEET=IN… A cell is a text, or after a sign of its own: ='formula',
// #number, ?boolean, @date; a row that begins with ~ is hidden, and a sheet whose name does.
func bookOf(ts *testscript.TestScript, _ bool, args []string) {
	f := excelize.NewFile()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	ts.Check(err)
	for i, arg := range args[1:] {
		name, file, _ := strings.Cut(arg, "=")
		name, hidden := strings.CutPrefix(name, "~")
		if i == 0 {
			ts.Check(f.SetSheetName("Sheet1", name))
		} else if _, err := f.NewSheet(name); err != nil {
			ts.Check(err)
		}
		in := csv.NewReader(strings.NewReader(ts.ReadFile(file)))
		in.FieldsPerRecord, in.LazyQuotes = -1, true
		rows, err := in.ReadAll()
		ts.Check(err)
		for r, row := range rows {
			for c, cell := range row {
				at, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if rest, is := strings.CutPrefix(cell, "~"); is && c == 0 {
					cell = rest
					ts.Check(f.SetRowVisible(name, r+1, false))
				}
				if cell == "" {
					continue
				}
				switch rest := cell[1:]; cell[0] {
				case '=': // with the value that a program without a calculator writes
					ts.Check(f.SetCellValue(name, at, 0))
					ts.Check(f.SetCellFormula(name, at, rest))
				case '#':
					n, err := strconv.ParseFloat(rest, 64)
					ts.Check(err)
					ts.Check(f.SetCellValue(name, at, n))
				case '?':
					ts.Check(f.SetCellBool(name, at, rest == "true"))
				case '@':
					day, err := time.Parse(time.DateOnly, rest)
					ts.Check(err)
					ts.Check(f.SetCellValue(name, at, day))
					ts.Check(f.SetCellStyle(name, at, at, date))
				default:
					ts.Check(f.SetCellStr(name, at, cell))
				}
			}
		}
		if hidden {
			ts.Check(f.SetSheetVisible(name, false))
		}
	}
	ts.Check(f.SaveAs(ts.MkAbs(args[0])))
	ts.Check(f.Close())
}

// folderIn adds to an archive an entry for a folder, with content, as some programs write it: folder ARCHIVE.
func folderIn(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	in, err := zip.OpenReader(path)
	ts.Check(err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range in.File {
		ts.Check(w.Copy(f))
	}
	ts.Check(in.Close())
	var nothing bytes.Buffer
	deflated, err := flate.NewWriter(&nothing, flate.BestSpeed)
	ts.Check(err)
	ts.Check(deflated.Close())
	ts.Check(w.Close())
	ts.Check(os.WriteFile(path, withFolder(out.Bytes(), nothing.Bytes()), 0o600))
}

// withFolder puts an entry xl/ with content into an archive. Package zip does not write such a one.
func withFolder(archive, content []byte) []byte {
	end := bytes.LastIndex(archive, []byte("PK\x05\x06"))
	list := int(archive[end+16]) | int(archive[end+17])<<8 | int(archive[end+18])<<16 | int(archive[end+19])<<24
	size, count := byte(len(content)), int(archive[end+10])+1
	local := append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00\x21\x00\x00\x00\x00\x00"), size, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'x', 'l', '/')
	local = append(local, content...)
	central := append([]byte("PK\x01\x02\x14\x00\x14\x00\x00\x00\x08\x00\x00\x00\x21\x00\x00\x00\x00\x00"), size, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	central = append(central, byte(list), byte(list>>8), byte(list>>16), byte(list>>24), 'x', 'l', '/')
	out := append(append(append(bytes.Clone(archive[:list]), local...), archive[list:end]...), central...)
	tail := bytes.Clone(archive[end:])
	tail[8], tail[10] = byte(count), byte(count)
	at, long := list+len(local), end-list+len(central)
	for i := range 4 {
		tail[12+i], tail[16+i] = byte(long>>(8*i)), byte(at>>(8*i))
	}
	return append(out, tail...)
}

// cellsOf writes the cells of a workbook's sheet as CSV, as another library reads them: cells BOOK SHEET OUT.
func cellsOf(ts *testscript.TestScript, _ bool, args []string) {
	f, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	rows, err := f.GetRows(args[1], excelize.Options{RawCellValue: true})
	ts.Check(err)
	ts.Check(f.Close())
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	for _, row := range rows {
		ts.Check(w.Write(row))
	}
	w.Flush()
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o600))
}
