package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestScripts runs the tables in testdata/script: files and arguments, and what comes out. The commands are these, and in a
// process of its own `exec openconversation`.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("LC_ALL", "")
			env.Setenv("GOCOVERDIR", os.Getenv("GOCOVERDIR"))
			emulator := dingtalktest.New()
			front := httptest.NewServer(emulator)
			env.Values[emulatorOf{}] = emulator
			env.Setenv("HOST", front.Listener.Addr().String())
			env.Defer(func() { emulator.Close(); front.Close() })
			return nil
		},
		Condition: func(cond string) (bool, error) { return cond == "root" && os.Getuid() == 0, nil },
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"oc": func(ts *testscript.TestScript, _ bool, args []string) { oc(ts, args) },
			"convert": func(ts *testscript.TestScript, _ bool, args []string) { // the same, at full speed, one call after the other
				oc(ts, append([]string{args[0], "convert", "--qps", "0", "--concurrency", "1"}, args[1:]...))
			},
			"server": func(ts *testscript.TestScript, _ bool, args []string) { // server [SETTINGS]: oc calls an emulator with these
				if len(args) > 0 {
					ts.Check(ts.Value(emulatorOf{}).(*dingtalktest.Emulator).ConfigureJSON([]byte(args[0])))
				}
				ts.Setenv(connect.EnvAppKey, dingtalktest.AppKey)
				ts.Setenv(connect.EnvAppSecret, dingtalktest.AppSecret)
				ts.Setenv(connect.EnvBaseURL, "http://"+ts.Getenv("HOST"))
			},
			"faults": func(ts *testscript.TestScript, _ bool, args []string) { // faults FAULT…: of conversions, or JSON; instead of those that are left
				emulator := ts.Value(emulatorOf{}).(*dingtalktest.Emulator)
				emulator.ClearFaults()
				for _, arg := range args {
					var fault dingtalktest.Fault
					if strings.HasPrefix(arg, "{") {
						ts.Check(json.Unmarshal([]byte(arg), &fault))
					} else {
						word, err := dingtalktest.ParseFault(arg)
						ts.Check(err)
						fault = word.For(conversion)
					}
					emulator.FailNext(fault)
				}
			},
			"calls": func(ts *testscript.TestScript, _ bool, args []string) { // calls N [OPERATION]: so many requests since the last time
				emulator, operation := ts.Value(emulatorOf{}).(*dingtalktest.Emulator), conversion.ID
				if len(args) > 1 {
					operation = args[1]
				}
				if n := emulator.Counts()[operation].Requests; fmt.Sprint(n) != args[0] {
					ts.Fatalf("%d calls, want %s", n, args[0])
				}
				emulator.ResetRequests()
			},
			"chats": func(ts *testscript.TestScript, _ bool, args []string) { // chats FILE ROWS [DISTINCT]: a list of ids
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(chats(number(ts, args, 1), number(ts, args, 2))), 0o600))
			},
			"converted": func(ts *testscript.TestScript, _ bool, args []string) { // converted FILE ROWS [CALLED]: what it must hold
				rows, called := number(ts, args, 1), number(ts, args, 2)
				if got := ts.ReadFile(args[0]); got != partlyConverted(called, rows) {
					ts.Fatalf("%s", got)
				}
			},
			"files": func(ts *testscript.TestScript, _ bool, args []string) { // files PATTERN NAME…: those that there are
				paths, err := filepath.Glob(ts.MkAbs(args[0]))
				ts.Check(err)
				for i, path := range paths {
					paths[i] = filepath.Base(path)
				}
				if got := marks.ReplaceAllString(strings.Join(paths, " "), ".MARK"); got != strings.Join(args[1:], " ") {
					ts.Fatalf("files %s", got)
				}
			},
			"bytes": func(ts *testscript.TestScript, _ bool, args []string) { // bytes FILE TEXT: a file of escapes, such as \x1a
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(unescaped(ts, args[1])), 0o600))
			},
			"repeat": func(ts *testscript.TestScript, _ bool, args []string) { // repeat FILE COUNT TEXT: appends a text so often; # is the number
				content, _ := os.ReadFile(ts.MkAbs(args[0])) // or there is none
				text := unescaped(ts, args[2])
				for i := range number(ts, args, 1) {
					content = append(content, strings.ReplaceAll(text, "#", strconv.Itoa(i))...)
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o600))
			},
			"alike": func(ts *testscript.TestScript, _ bool, args []string) { // alike CODE ARG…: oc prints the same in both languages
				english, chinese := oc(ts, args), oc(ts, append(args, "--lang", "zh"))
				if english.stdout != chinese.stdout {
					ts.Fatalf("in English\n%s\nand in Chinese\n%s", english.stdout, chinese.stdout)
				}
			},
			"book":   bookOf,
			"folder": folderIn,
			"cells":  cellsOf,
		},
	})
}

func unescaped(ts *testscript.TestScript, arg string) string {
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(arg, `"`, `\"`) + `"`)
	ts.Check(err)
	return text
}

// emulatorOf is the key of a script's emulator.
type emulatorOf struct{}

// number is an argument, or the one before it if it is not there.
func number(ts *testscript.TestScript, args []string, i int) int {
	n, err := strconv.Atoi(args[min(i, len(args)-1)])
	ts.Check(err)
	return n
}

// filesFollow are the flags whose value is a file, which is one of the script's.
var filesFollow = []string{"-i", "--input", "-o", "--output", "--app-secret-file", "--spec", "--official-routes", "--scenario", "--log"}

// oc is the command in this process, and its outcome: oc CODE ARG… [<FILE] [=> TEXT…]. Names of files are the script's.
func oc(ts *testscript.TestScript, args []string) result {
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	c, texts := call{args: slices.Clone(args[1:]), env: map[string]string{}}, []string(nil)
	if i := slices.Index(c.args, "=>"); i >= 0 {
		c.args, texts = c.args[:i], c.args[i+1:]
	}
	if file, is := strings.CutPrefix(c.args[len(c.args)-1], "<"); is {
		c.args, c.stdin = c.args[:len(c.args)-1], strings.NewReader(ts.ReadFile(file))
	}
	for i, arg := range c.args {
		if i > 0 && slices.Contains(filesFollow, c.args[i-1]) && arg != "-" {
			c.args[i] = ts.MkAbs(arg)
		} else if file, is := strings.CutPrefix(arg, "@"); is && file != "-" {
			c.args[i] = "@" + ts.MkAbs(file)
		}
	}
	for _, name := range []string{connect.EnvAppKey, connect.EnvAppSecret, connect.EnvBaseURL, connect.EnvRedisURL, "LANG", "LC_MESSAGES", "LC_ALL"} {
		c.env[name] = ts.Getenv(name)
	}
	got := c.run().without(ts.MkAbs(".")+string(filepath.Separator), "", ts.Getenv("HOST"), "HOST")
	fmt.Fprint(ts.Stdout(), got.stdout)
	fmt.Fprint(ts.Stderr(), got.stderr)
	if got.code != code {
		ts.Fatalf("exit code %d, want %d\n%s%s", got.code, code, got.stdout, got.stderr)
	}
	for line := range strings.Lines(got.stdout + got.stderr) { // these fit a terminal
		if uniseg.StringWidth(line) > 80 && slices.Contains([]string{"codes", "doctor"}, args[1]) && !slices.Contains(args, "--json") && code != 2 {
			ts.Fatalf("%d columns: %s", uniseg.StringWidth(line), line)
		}
	}
	for _, text := range texts {
		if !got.said(text) {
			ts.Fatalf("%q is not in\n%s%s", text, got.stdout, got.stderr)
		}
	}
	return got
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
	in, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	folder, err := w.CreateRaw(&zip.FileHeader{Name: "folder_", Method: zip.Deflate, CompressedSize64: 5})
	ts.Check(err)
	_, err = folder.Write([]byte{1, 0, 0, 0xff, 0xff}) // nothing, deflated
	ts.Check(err)
	for _, f := range in.File {
		ts.Check(w.Copy(f))
	}
	ts.Check(errors.Join(in.Close(), w.Close()))
	whole := bytes.ReplaceAll(out.Bytes(), []byte("folder_"), []byte("folder/")) // which package zip does not write
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), whole, 0o600))
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
