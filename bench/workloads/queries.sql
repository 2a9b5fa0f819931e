create table item(id integer primary key, kind integer, price integer, name text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into item select i, i * 7919 % 97, i * 104729 % 10007, 'item ' || (i * 31 % 1009) from n;
create index by_kind on item(kind, price);
create table kind(id integer primary key, label text);
with recursive n(i) as (select 0 union all select i + 1 from n where i < 96) insert into kind select i, 'kind ' || i from n;
select label, count(*), sum(price), max(name) from item join kind on kind.id = item.kind
  group by kind.id order by sum(price) desc limit 5;
select count(*) from item where name like '%77%' and price > 5000;
update item set price = price + 1 where kind % 3 = 0;
select sum(price), count(distinct name) from item;
delete from item where kind between 10 and 30;
select count(*), avg(id) from item;
