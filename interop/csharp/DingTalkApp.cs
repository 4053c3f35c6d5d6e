using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using DingTalk;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Example.App
{
    /// <summary>A row of codes.json, or what stands in for one.</summary>
    public sealed class Code
    {
        [JsonProperty("code")] public string Name = "";
        public string[] Aliases = { }, Operations = { "" };
        public string Kind = "", Token = "keep";
        public bool Retry;
        public int WaitSeconds;
    }

    /// <summary>Why there is no result.</summary>
    public sealed class DingTalkException : Exception
    {
        /// <summary>The HTTP status; 0 without a whole answer.</summary>
        public int Status { get; }
        /// <summary>DingTalk's code, or the legacy API's, whose 88 has a sub_code; empty if the answer was no error of DingTalk's.</summary>
        public string Code { get; }
        public string RequestId { get; }
        /// <summary>The permissions to grant in the developer console.</summary>
        public IReadOnlyList<string> RequiredScopes { get; }
        internal TimeSpan RetryAfter { get; }

        internal DingTalkException(string reason, int status = 0, JObject fields = null, HttpResponseMessage answer = null, Exception cause = null)
            : base(new[] { Text(fields, "message", "errmsg"), reason }.First(text => text != ""), cause)
        {
            Status = status;
            Code = Text(fields, "code", Text(fields, "errcode") == "88" ? "sub_code" : "errcode", "errcode");
            RequestId = Text(fields, "requestid");
            RequiredScopes = (Field(Field(fields, "accessdenieddetail") as JObject, "requiredScopes") as JArray)?.Select(scope => scope.ToString()).ToArray() ?? new string[0];
            var after = answer?.Headers.RetryAfter;
            RetryAfter = after?.Delta ?? after?.Date - DateTimeOffset.UtcNow ?? TimeSpan.Zero;
        }

        /// <summary>A field whatever its case: some answers spell Code, Message.</summary>
        internal static JToken Field(JObject fields, string name) => fields?.GetValue(name, StringComparison.OrdinalIgnoreCase);

        /// <summary>The first of these fields that is text or a number.</summary>
        internal static string Text(JObject fields, params string[] names) =>
            names.Select(name => Field(fields, name)).OfType<JValue>().Where(value => value.Value is string || value.Type == JTokenType.Integer || value.Type == JTokenType.Float)
                .Select(value => Convert.ToString(value.Value, CultureInfo.InvariantCulture)).FirstOrDefault(text => text != "") ?? "";
    }

    /// <summary>A client of one app on top of generated ones: one token for all calls, one request on the wire for each attempt, and
    /// repeats where the contract allows them.</summary>
    public sealed class DingTalkApp : IDisposable
    {
        private const int Attempts = 3, Largest = 1 << 24; // bytes of an answer
        private const double MaxWait = 60; // seconds; whoever is to wait longer gives up
        private const double Renew = 600, Pause = 30; // seconds before a token's end, or a fifth of its time; until a failed renewal is tried again
        private const double Day = 86400, Unknown = 5; // seconds that a token is kept: at most, and without a usable lifetime
        private static readonly Regex Private = new Regex(@"^(https://[^/?#@]+|http://(localhost|127(\.\d+){3}|\[::1])(:\d+)?)(/|\z)"); // requests carry secrets

        private sealed class Attempt { public string Token; public bool Answered; }
        private readonly Dictionary<string, Code> codes = new Dictionary<string, Code>(StringComparer.OrdinalIgnoreCase); // by operation, a space and code
        private readonly AsyncLocal<Attempt> attempts = new AsyncLocal<Attempt>();
        private readonly Random chance = new Random();
        private readonly string url, credentials;
        private readonly TimeSpan limit;
        private readonly HttpMessageInvoker sends, reads;
        private Task<string> fetching = Task.FromResult("");
        private string token;
        private DateTime renewAt, expires;

        /// <summary>The generated client, for Call.</summary>
        public DingTalkClient Api { get; }
        /// <summary>For another generated client, in Call: it sends to this app's address, whatever host the contract names.</summary>
        public HttpClient Http { get; }

        /// <param name="rows">The rows of codes.json.</param>
        /// <param name="inner">Makes what sends the requests: with a proxy, metrics, an authority of one's own. It must follow no redirects.</param>
        /// <param name="timeout">How long a request may take, up to the last byte of its answer: 10 seconds by default.</param>
        public DingTalkApp(string url, string appKey, string appSecret, IEnumerable<Code> rows, Func<HttpMessageHandler> inner = null, TimeSpan? timeout = null)
        {
            if (!Private.IsMatch(url)) throw new ArgumentException(Regex.Replace(url, ".*@", "") + " is not https");
            this.url = url.TrimEnd('/');
            credentials = JsonConvert.SerializeObject(new { appKey, appSecret });
            limit = timeout ?? TimeSpan.FromSeconds(10);
            inner = inner ?? (() => new HttpClientHandler { AllowAutoRedirect = false }); // the token would go along
            sends = new HttpMessageInvoker(inner());
            reads = new HttpMessageInvoker(inner());
            Http = new HttpClient(new Wire { App = this }) { Timeout = Timeout.InfiniteTimeSpan };
            Api = new DingTalkClient(Http) { BaseUrl = this.url };
            foreach (var row in rows)
                foreach (var operation in row.Operations)
                    foreach (var name in row.Aliases.Append(row.Name))
                        codes[operation + " " + name] = row;
        }

        public void Dispose() => Array.ForEach(new[] { Http, sends, reads }, one => one.Dispose());

        public Task<string> OpenConversationId(string chatId, CancellationToken stop = default(CancellationToken))
        {
            if (new[] { "", ".", ".." }.Contains(chatId.Trim())) throw new ArgumentException("not a chat id");
            return Call("chatIdToOpenConversationId", true, async end =>
                Required((await Api.ChatIdToOpenConversationIdAsync(chatId, end).ConfigureAwait(false)).OpenConversationId), stop);
        }

        private static string Required(string id) => string.IsNullOrWhiteSpace(id) ? throw new DingTalkException("the answer has no id", 200) : id;

        /// <summary>Returns what send returns. It calls a method of Api, or of a generated client on Http.</summary>
        /// <param name="safe">A repeat does no harm although the service may have processed the request: x-repeat in the contract.</param>
        /// <param name="stop">Ends the call, also while it waits.</param>
        public async Task<T> Call<T>(string operation, bool safe, Func<CancellationToken, Task<T>> send, CancellationToken stop = default(CancellationToken))
        {
            var rejected = "";
            DingTalkException error = null;
            for (var attempt = 1; ; attempt++)
            {
                var sent = "";
                try
                {
                    sent = await Until(CurrentToken(), stop).ConfigureAwait(false);
                    if (sent == rejected) throw error;
                    attempts.Value = new Attempt { Token = sent };
                    return await send(stop).ConfigureAwait(false);
                }
                catch (ApiException e) when (attempts.Value.Answered) { throw new DingTalkException("no such answer: " + e.Message, 200, cause: e); }
                catch (DingTalkException e) { error = e; }
                var row = RowOf(sent == "" ? "getAccessToken" : operation, error);
                if (sent != "" && rejected == "" && (row.Token == "drop" || row.Token == "fetch"))
                {
                    rejected = sent;
                    lock (codes) if (token == sent) expires = DateTime.MinValue;
                    attempt--;
                    continue;
                }
                var processed = sent != "" && row.Kind != "throttled";
                var wait = Math.Max(row.WaitSeconds, error.RetryAfter.TotalSeconds);
                if (!row.Retry || processed && !safe || wait > MaxWait || attempt == Attempts) throw error;
                lock (chance) wait += chance.NextDouble() * 0.3 * (1 << attempt - 1);
                await Task.Delay(TimeSpan.FromSeconds(wait), stop).ConfigureAwait(false);
            }
        }

        /// <summary>The same for an operation without a result.</summary>
        public Task Call(string operation, bool safe, Func<CancellationToken, Task> send, CancellationToken stop = default(CancellationToken)) =>
            Call(operation, safe, async end => { await send(end).ConfigureAwait(false); return true; }, stop);

        /// <summary>What to do by the code: the operation's own row, the common one, or one that the status makes.</summary>
        private Code RowOf(string operation, DingTalkException error)
        {
            if (codes.TryGetValue(operation + " " + error.Code, out var row) || codes.TryGetValue(" " + error.Code, out row)) return row;
            bool throttled = error.Status == 429, retry = throttled || error.Status == 0 || error.Status >= 500;
            return new Code { Kind = throttled ? "throttled" : "", Retry = retry, Token = error.Status == 401 ? "drop" : "keep" };
        }

        /// <summary>Whoever comes while one fetches waits for that. Nobody waits for a renewal: the old token serves until its end.</summary>
        private Task<string> CurrentToken()
        {
            lock (codes)
            {
                var now = DateTime.UtcNow;
                if (now < renewAt && now < expires) return Task.FromResult(token);
                if (fetching.IsCompleted)
                {
                    renewAt = now.AddSeconds(Pause); // before Fetch, which sets it if the answer is there at once
                    fetching = Fetch();
                    fetching.ContinueWith(failed => failed.Exception, TaskContinuationOptions.OnlyOnFaulted); // whoever waits is told
                }
                return now < expires ? Task.FromResult(token) : fetching;
            }
        }

        private async Task<string> Fetch()
        {
            var begun = DateTime.UtcNow;
            var answer = await Http.PostAsync(url + "/v1.0/oauth2/accessToken", new StringContent(credentials, Encoding.UTF8, "application/json")).ConfigureAwait(false);
            var fields = Parse(await answer.Content.ReadAsStringAsync().ConfigureAwait(false)) as JObject;
            var fetched = (DingTalkException.Field(fields, "accessToken") as JValue)?.Value as string ?? "";
            if (!Regex.IsMatch(fetched, @"^[!-~]+\z")) throw new DingTalkException("the token call's answer has no token", 200);
            double known;
            double.TryParse(DingTalkException.Text(fields, "expireIn"), NumberStyles.Float, CultureInfo.InvariantCulture, out known);
            var lasts = known >= 1 ? Math.Min(known, Day) : Unknown;
            lock (codes)
            {
                expires = begun.AddSeconds(lasts);
                renewAt = expires.AddSeconds(-Math.Min(Renew, lasts / 5));
                return token = fetched;
            }
        }

        private static async Task<T> Until<T>(Task<T> work, CancellationToken stop)
        {
            var ended = new TaskCompletionSource<T>();
            using (stop.Register(() => ended.TrySetCanceled()))
                return await (await Task.WhenAny(work, ended.Task).ConfigureAwait(false)).ConfigureAwait(false);
        }

        /// <summary>A body's JSON, or null if it is none.</summary>
        private static JToken Parse(string body)
        {
            try { return JToken.Parse(body); }
            catch (JsonException) { return null; }
        }

        /// <summary>One request to the address of this app, and the whole of a success. All else is a DingTalkException.</summary>
        private async Task<HttpResponseMessage> Send(HttpRequestMessage request, CancellationToken stop)
        {
            var attempt = attempts.Value; // null for the token call
            var given = request.RequestUri.OriginalString;
            var path = given.StartsWith(url) ? given.Substring(url.Length) : Regex.Replace(given, "^https?://[^/]*", "");
            var to = url + path;
            if (!Regex.IsMatch(path, @"^/v\d")) // the legacy API has a host of its own, and takes the token in the URL
                to = Regex.Replace(to, @"^https://api(?=\.dingtalk\.)", "https://oapi") + (path.Contains("?") ? "&" : "?") + "access_token=" + Uri.EscapeDataString(attempt.Token);
            else if (attempt != null) request.Headers.TryAddWithoutValidation("x-acs-dingtalk-access-token", attempt.Token);
            if (to != given) request.RequestUri = new Uri(to);
            HttpResponseMessage answer;
            using (var end = CancellationTokenSource.CreateLinkedTokenSource(stop))
            {
                end.CancelAfter(limit);
                try { answer = await Until(Whole(request, end.Token), end.Token).ConfigureAwait(false); }
                catch (Exception e) when (!stop.IsCancellationRequested)
                {
                    end.Cancel();
                    throw new DingTalkException("no answer: " + e.Message, cause: e);
                }
            }
            var body = Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync().ConfigureAwait(false)).TrimStart('\uFEFF');
            var json = Parse(body);
            var fields = json as JObject ?? new JObject();
            if (!answer.IsSuccessStatusCode || DingTalkException.Field(fields, "errcode") != null && DingTalkException.Text(fields, "errcode") != "0")
                throw new DingTalkException($"HTTP {(int)answer.StatusCode} without a result", (int)answer.StatusCode, fields, answer);
            if (json == null && body != "") throw new DingTalkException("the answer is no JSON", (int)answer.StatusCode);
            answer.Content = new StringContent(body, Encoding.UTF8, "application/json");
            if (attempt != null) attempt.Answered = true;
            return answer;
        }

        /// <summary>.NET sends a request without a body again if it is lost on a used connection: such have connections of their own.</summary>
        private async Task<HttpResponseMessage> Whole(HttpRequestMessage request, CancellationToken end)
        {
            request.Headers.ConnectionClose = request.Content == null;
            var answer = await (request.Content == null ? reads : sends).SendAsync(request, end).ConfigureAwait(false);
            end.Register(answer.Dispose);
            await answer.Content.LoadIntoBufferAsync(Largest).ConfigureAwait(false);
            return answer;
        }

        private sealed class Wire : HttpMessageHandler
        {
            public DingTalkApp App;
            protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop) => App.Send(request, stop);
        }
    }
}
