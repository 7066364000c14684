// Holds custom resources, a JSON array on stdin, against their schemas; prints for each, as JSON,
// what is wrong with it.
//
// The schemas come as compiled validators that pass over fields they do not know, as an API server
// does without a word. Such a field is found by what a validator reads: it asks each object for
// every field that it knows, goes over all keys of a map, and reads nothing of what is free-form.

import { text } from "node:stream/consumers";

const OPERATOR = "prometheus-operator/_schemas/ComGithubPrometheusOperatorPrometheusOperatorPkgApis";
const MODULES = {
  "gateway.networking.k8s.io/v1 Gateway": "gateway-api/_schemas/IoK8sSigsGatewayApiApisV1Gateway",
  "gateway.networking.k8s.io/v1 HTTPRoute": "gateway-api/_schemas/IoK8sSigsGatewayApiApisV1HTTPRoute",
  "keda.sh/v1alpha1 ScaledObject": "keda/_schemas/ComGithubKedacoreKedaV2ApisKedaV1alpha1ScaledObject",
  "keda.sh/v1alpha1 TriggerAuthentication":
    "keda/_schemas/ComGithubKedacoreKedaV2ApisKedaV1alpha1TriggerAuthentication",
  "monitoring.coreos.com/v1 PodMonitor": `${OPERATOR}MonitoringV1PodMonitor`,
  "monitoring.coreos.com/v1 PrometheusRule": `${OPERATOR}MonitoringV1PrometheusRule`,
  "monitoring.coreos.com/v1 ServiceMonitor": `${OPERATOR}MonitoringV1ServiceMonitor`,
};

const found = [];
for (const object of JSON.parse(await text(process.stdin))) found.push(await complaints(object));
console.log(JSON.stringify(found));

async function complaints(object) {
  const module = MODULES[`${object.apiVersion} ${object.kind}`];
  if (!module) return [`no schema of ${object.apiVersion} ${object.kind} is at hand`];
  // By their files: the packages export whole models alone, which say nothing of single fields.
  const { validate } = await import(`./node_modules/@kubernetes-models/${module}.js`);
  const watched = [];
  const wrong = validate(watch(object, "", watched))
    ? []
    : validate.errors.map((each) => `${each.instancePath}: ${each.keyword} ${JSON.stringify(each.params)}`);
  return [...new Set([...wrong, ...unknown(watched)])];
}

function watch(object, path, watched) {
  const known = new Set();
  const children = new Map();
  const seen = { object, path, known };
  watched.push(seen);
  return new Proxy(object, {
    get(target, key) {
      known.add(key);
      const value = target[key];
      if (typeof value !== "object" || value === null || !Object.hasOwn(target, key)) return value;
      if (!children.has(key)) children.set(key, watch(value, `${path}/${key}`, watched));
      return children.get(key);
    },
  });
}

function* unknown(watched) {
  for (const { object, path, known } of watched) {
    if (Array.isArray(object) || known.size === 0) continue;
    for (const key of Object.keys(object)) if (!known.has(key)) yield `${path}/${key}: unknown`;
  }
}
