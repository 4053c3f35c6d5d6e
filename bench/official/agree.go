package official

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Pair holds a package's two sides, and the recorder that both call.
type Pair struct {
	Recorder *Recorder
	Official *Official
	Ours     Side
	Contract *Contract // ours
}

// exchange is what a side sent, and what it read of the answer.
type exchange struct {
	sent Recorded
	read any
	err  error
}

// Agree makes an operation's call with both sides, and lists in what they differ. found has what differs otherwise: what was not
// sent or not read at all.
func (p Pair) Agree(id string, fill Fill) (differences []Difference, found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	op := p.Contract.operations[id]
	values, err := p.Official.values(id, fill)
	if err != nil {
		return nil, []string{err.Error()}
	}
	value, err := p.Official.answer(id, fill)
	if err != nil {
		return nil, []string{err.Error()}
	}
	answer := encode(value, fill)
	var made [2]exchange
	for i, side := range []Side{p.Official, p.Ours} {
		e := &made[i]
		if e.sent, err = p.Recorder.Record(answer, func() { e.read, e.err = side.Send(id, values) }); err != nil {
			say("%T: %v, %v", side, err, e.err)
		}
	}
	theirs, ours := made[0], made[1]
	if len(found) > 0 {
		return nil, found
	}
	differences = op.Compare(theirs.sent, ours.sent)
	if fill == Escaping && strings.Count(ours.sent.Path, "/") != strings.Count(op.Template, "/") {
		say("%s has other segments than %s", ours.sent.Path, op.Template)
	}
	switch {
	case ours.err != nil:
		say("ours: %v", ours.err)
	case theirs.err != nil && len(answer) == 0:
		differences = append(differences, Difference{KindEmptyAnswer, "", "fails", "returns no error"})
	case theirs.err != nil:
		say("the official SDK: %v", theirs.err)
	default:
		differences = append(differences, op.CompareAnswers(theirs.read, ours.read)...)
		for _, d := range op.CompareAnswers(theirs.read, value) {
			if !d.byDesign() { // or something that neither side reads would agree
				say("%s: the official SDK %s of the answer, which %s", d.Where, d.Official, d.Wrapper)
			}
		}
	}
	op.complete(values, theirs.sent, say)
	return differences, found
}

// complete checks that the official SDK sent all the values, so that nothing agrees only because neither side sent it.
func (o *Operation) complete(values Values, sent Recorded, say func(string, ...any)) {
	if sent.Body != absent && values.Body != nil {
		for _, d := range CompareJSON(KindBody, sent.Body, values.Body) {
			field := o.Body.Properties[strings.TrimPrefix(d.Where, ".")]
			if d.Kind != KindEmptyInside && (field == nil || !jsonText(field.Value)) {
				say("the body's %s %s; it was given %s", d.Where, d.Official, d.Wrapper)
			}
		}
	}
	for name, value := range values.Query {
		if len(take(sent.Query, name)) == 0 && !empty(value) {
			say("the parameter %s was not sent", name)
		}
	}
	for name := range values.Header {
		if sent.Header.Get(name) == "" {
			say("the header %s was not sent", name)
		}
	}
	if o.Anonymous != (sent.Header.Get("x-acs-dingtalk-access-token") == "") {
		say("token sent: %v; the contract says otherwise", !o.Anonymous)
	}
}

// encode is an answer's body. A full one has a field that nobody knows.
func encode(value any, fill Fill) []byte {
	if value == nil {
		return []byte(map[bool]string{false: "{}"}[fill == Least])
	}
	text, err := json.Marshal(value)
	if object, ok := value.(map[string]any); ok && err == nil && len(object) > 0 && fill == Full && object["key one"] == nil && object["text"] == nil {
		text = append([]byte(`{"nobodyKnowsThis":{"a":[1,null]},`), text[1:]...)
	}
	return text
}

// AgreeInAll makes an operation's calls with every fill.
func (p Pair) AgreeInAll(id string) (differences []Difference, found []string) {
	for _, fill := range []Fill{Full, Least, Zero, Escaping} {
		if fill == Escaping && len(p.Contract.operations[id].Path) == 0 {
			continue
		}
		list, more := p.Agree(id, fill)
		for _, d := range list {
			if !d.byDesign() {
				more = append(more, d.String())
			}
		}
		for _, text := range more {
			found = append(found, string(fill)+": "+text)
		}
		differences = append(differences, list...)
	}
	return differences, found
}
