-- Licenses over a bundle, few among many: the office looks at them every few seconds.
CREATE INDEX licenses_bundle ON licenses (id) WHERE instr(terms, '"bundle":{') > 0;
