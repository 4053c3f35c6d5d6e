package official

import (
	"encoding/json"
	"testing"
)

func readContract(t *testing.T) *Contract {
	t.Helper()
	contract, err := ReadContract()
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

func startRecorder(t *testing.T) *Recorder {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} { // the official SDK would use one for this machine too
		t.Setenv(name, "")
	}
	recorder := NewRecorder()
	t.Cleanup(recorder.Close)
	return recorder
}

// TestOfficialSendsWhatTheContractSays holds the contract against the official SDK alone: what it sends of each operation
// is what the contract has places for, and it reads every field of the answer.
func TestOfficialSendsWhatTheContractSays(t *testing.T) {
	contract, recorder := readContract(t), startRecorder(t)
	official := NewOfficial(recorder.Host(), contract)
	if len(contract.IDs()) != 60 || len(calls) != 60 {
		t.Fatalf("%d operations in the contract, %d calls of the official SDK; 60 were expected", len(contract.IDs()), len(calls))
	}
	for _, id := range contract.IDs() {
		for _, fill := range []Fill{Full, Least, Zero} {
			t.Run(id+"/"+fill.String(), func(t *testing.T) {
				values, err := contract.values(id, fill)
				if err != nil {
					t.Fatal(err)
				}
				answer, err := contract.answer(id)
				if err != nil {
					t.Fatal(err)
				}
				recorder.Answer(encode(t, answer))
				read, err := official.Send(id, values)
				if err != nil {
					t.Fatal(err)
				}
				got, err := recorder.Take()
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s %s?%s %.3000s %v", got.Method, got.Path, got.Query, got.Body, got.Header)
				for _, d := range CompareJSON(KindAnswer, answer, read) {
					t.Errorf("the answer %s; it read %s: %s", d.Official, d.Wrapper, d.Where)
				}
			})
		}
	}
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	if value == nil {
		return []byte("{}")
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
